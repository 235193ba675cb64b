// What is likely meant where a rule is broken, and the way out: the rows of hint.def.
#ifndef MONITOR_FAULTS_HINT_H
#define MONITOR_FAULTS_HINT_H

const char *cause_hint(const char *rule);    // by the rule's name; NULL: there is none
const char *cause_hint_rule(unsigned index); // the rules that have one; NULL past the last

#endif
