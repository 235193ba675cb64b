// Numbers, sizes, dates and lists as people type them.
#include "monitor/host/parse.h"
#include <ctype.h>
#include <string.h>

static bool digits(const char **text, uint64_t *value) {
    const char *p = *text;
    bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
    uint64_t base = hex ? 16 : 10, sum = 0;
    if (hex) p += 2;
    const char *first = p;
    for (; hex ? isxdigit((unsigned char)*p) : isdigit((unsigned char)*p); p++) {
        uint64_t digit = (uint64_t)(isdigit((unsigned char)*p) ? *p - '0' : tolower((unsigned char)*p) - 'a' + 10);
        if (__builtin_mul_overflow(sum, base, &sum) || __builtin_add_overflow(sum, digit, &sum)) return false;
    }
    if (p == first) return false;
    *text = p;
    *value = sum;
    return true;
}

bool parse_number(const char *text, uint64_t *value) {
    uint64_t number;
    if (!digits(&text, &number) || *text) return false;
    *value = number;
    return true;
}

uint64_t parse_factor(char suffix, uint64_t base) {
    const char *suffixes = "kmgt", *at = suffix ? strchr(suffixes, tolower((unsigned char)suffix)) : NULL;
    uint64_t factor = at != NULL;
    for (; at && at >= suffixes; at--) factor *= base;
    return factor;
}

// A number with an optional suffix: k is `base`, M its square, and so on; without one the number counts `plain`.
static bool scaled(const char *text, uint64_t base, uint64_t plain, uint64_t *value) {
    uint64_t number;
    if (!digits(&text, &number)) return false;
    uint64_t factor = *text ? parse_factor(*text, base) : plain;
    return factor && !(*text && text[1]) && !__builtin_mul_overflow(number, factor, value);
}

bool parse_count(const char *text, uint64_t *value) {
    uint64_t number;
    if (!scaled(text, 1000, 1, &number)) return false;
    *value = number;
    return true;
}

bool parse_size(const char *text, uint64_t unit, uint64_t *bytes) {
    uint64_t number;
    if (!scaled(text, 1024, unit, &number)) return false;
    *bytes = number;
    return true;
}

// Exactly `count` digits, and `after` behind them ('\0': the end).
static bool field(const char **text, unsigned count, unsigned *value, char after) {
    unsigned sum = 0;
    for (; count; count--, (*text)++) {
        if (!isdigit((unsigned char)**text)) return false;
        sum = sum * 10 + (unsigned)(**text - '0');
    }
    if (**text != after) return false;
    *text += after != '\0';
    *value = sum;
    return true;
}

// Days since 1970-01-01 of the Gregorian calendar; years counted from March make leap days the last of a year.
static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day) {
    uint64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static unsigned days_of_month(unsigned year, unsigned month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool parse_date(const char *text, uint64_t *seconds) {
    unsigned year, month, day, hour = 0, minute = 0, second = 0;
    bool time = strchr(text, 'T') != NULL;
    if (!field(&text, 4, &year, '-') || !field(&text, 2, &month, '-') || !field(&text, 2, &day, time ? 'T' : '\0'))
        return false;
    if (time && (!field(&text, 2, &hour, ':') || !field(&text, 2, &minute, ':') || !field(&text, 2, &second, '\0')))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month)) return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    *seconds = days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

bool parse_item(const char **list, char *to, size_t size) {
    const char *p = *list;
    size_t used = 0;
    if (!p || !*p) return false;
    for (; *p && (*p != ',' || p[1] == ','); p++) {
        if (*p == ',') p++;
        if (used + 1 < size) to[used++] = *p;
    }
    to[used] = '\0';
    *list = *p ? p + 1 : p;
    return true;
}

bool take_word(const char **text, char *word, size_t size) {
    size_t used = 0;
    while (isspace((unsigned char)**text)) ++*text;
    if (!**text) return false;
    for (; **text && !isspace((unsigned char)**text); ++*text)
        if (used + 1 < size) word[used++] = **text;
    word[used] = '\0';
    while (isspace((unsigned char)**text)) ++*text;
    return true;
}

bool word_is(const char *word, const char *name, size_t least) {
    size_t length = strlen(word);
    return length >= least && length <= strlen(name) && strncmp(word, name, length) == 0;
}

int parse_choice(const char *word, const char *(*name)(unsigned index), unsigned two[2]) {
    unsigned found = 0;
    const char *one;
    for (unsigned i = 0; (one = name(i)); i++) {
        if (strcmp(one, word) == 0) return (int)i;
        if (strncmp(one, word, strlen(word)) == 0 && found++ < 2) two[found - 1] = i;
    }
    return found == 0 ? CHOICE_NONE : found == 1 ? (int)two[0] : CHOICE_SEVERAL;
}

enum { LONGEST = 63 }; // letters of a word that are looked at

static unsigned smaller(unsigned a, unsigned b) { return a < b ? a : b; }

unsigned parse_distance(const char *a, const char *b) {
    unsigned rows[3][LONGEST + 1]; // the distances of beginnings of b from this beginning of a, and the two before
    unsigned m = (unsigned)strnlen(a, LONGEST), n = (unsigned)strnlen(b, LONGEST);
    for (unsigned j = 0; j <= n; j++) rows[0][j] = j;
    for (unsigned i = 1; i <= m; i++) {
        unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            now[j] = smaller(smaller(now[j - 1], last[j]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) now[j] = smaller(now[j], before[j - 2] + 1);
        }
    }
    unsigned distance = rows[m % 3][n], length = m > n ? m : n;
    bool far = distance > (length + 1) / 4 || (length < 5 && *a != *b);
    return far ? PARSE_FAR : distance;
}
