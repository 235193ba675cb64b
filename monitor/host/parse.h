// Numbers, sizes, dates and lists as people type them. Each returns false, and leaves the result alone, when the text
// is not entirely what it should be.
#ifndef MONITOR_PARSE_H
#define MONITOR_PARSE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Decimal, or hexadecimal after 0x.
bool parse_number(const char *text, uint64_t *value);
// What k, M, G or T behind a number multiplies it by: `base`, which is at most 1024, its square, and so on. 0: it is
// none of them.
uint64_t parse_factor(char suffix, uint64_t base);
// Also with k, M, G, T for thousands, millions, billions: steps.
bool parse_count(const char *text, uint64_t *value);
// With k, M, G, T for 2^10, 2^20, ...; a bare number is in units of `unit` bytes.
bool parse_size(const char *text, uint64_t unit, uint64_t *bytes);
// 2006-06-17T16:01:21 or 2006-06-17, to seconds since 1970 (UTC).
bool parse_date(const char *text, uint64_t *seconds);
// Takes the next element off a list with commas (",," is a comma, as in QEMU): copied to `to`, cut off when too long.
// False at the end of the list.
bool parse_item(const char **list, char *to, size_t size);
// Takes the next word off; false at the end. A word too long for `size` is an error of its own: it is cut off.
bool take_word(const char **text, char *word, size_t size);
// Whether the word is `name` or, from `least` letters on, the beginning of it.
bool word_is(const char *word, const char *name, size_t least);
// The index of the name that is `word`, or the only one that begins so; `name` gives NULL past the last. CHOICE_NONE:
// none does; CHOICE_SEVERAL: several do, of which two[] are the first.
enum { CHOICE_NONE = -1, CHOICE_SEVERAL = -2 };
int parse_choice(const char *word, const char *(*name)(unsigned index), unsigned two[2]);
// How far one word is from the other: letters to insert, delete, change or swap with the next. PARSE_FAR: so far that it
// was hardly meant. In a short word hardly any letter may be wrong, and
// not the first: -hda is no -vga, and -qmp no -smp.
enum { PARSE_FAR = 64 };
unsigned parse_distance(const char *a, const char *b);

#endif
