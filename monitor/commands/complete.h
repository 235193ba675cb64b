// What Tab completes to: commands, their literal arguments, files, devices, registers,
// MSRs, VMCS fields, exit reasons, symbols.
#ifndef MONITOR_COMPLETE_H
#define MONITOR_COMPLETE_H

struct monitor;
void complete_for(struct monitor *monitor);
// As readline's rl_attempted_completion_function.
char **complete_line(const char *word, int start, int end);
char *complete_breaks(void); // as rl_completion_word_break_hook
// The candidates for a line whose last word is `word` at `start`, one at a time: an allocated string, or NULL after the
// last. `state` is 0 for the first.
char *complete_candidate(const char *line, const char *word, int start, int state);

#endif
