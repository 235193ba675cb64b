// What the page's worker calls in the machine, and the present as JSON.
#ifndef WEB_API_H
#define WEB_API_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *web_alloc(size_t bytes);
void web_free(void *at);
// A file by name; the bytes, from web_alloc, are the machine's afterwards.
bool web_file_add(const char *name, uint8_t *bytes, size_t size);
// Makes a machine. Lines of `words` are the program's arguments, its name first; they are the machine's afterwards.
// False: the messages say what is wrong.
bool web_open(char *words, uint64_t history_bytes);
// Carries out a line of the monitor; what it prints lasts until the next call.
const char *web_command(const char *line);
// At most so many steps, for a page that looks for its user in between. True: it may go on; false: something has
// stopped the guest, and web_text says what.
bool web_run(uint64_t steps);
const char *web_text(void);
size_t web_type(const uint8_t *bytes, size_t count); // on the serial console; how much was taken
uint64_t web_steps(void);
uint64_t web_hash(void);
// The n-th way to go on with a line whose last word begins at `start`; "": there are no more.
const char *web_complete(const char *line, int start, int n);
const char *web_state(void); // the present as JSON

struct monitor;
struct output;
void web_state_print(struct monitor *monitor, struct output *to);

#endif
