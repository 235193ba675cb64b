// The monitor of one run: what is looked at, what stops and traces there are, and what the prompt remembers. What only
// looks takes the part that it needs (struct look, struct output), not the whole.
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H
#include "monitor/expression/look.h"
#include "monitor/host/parse.h"
#include "monitor/host/server.h"
#include "monitor/session/run.h"

struct gdb;
struct marks;
struct reports;
struct stops;
struct trace;

enum { DOOR_LINE_BYTES = 4096 };

struct monitor {
    struct output *output; // where what is printed goes now: to the screen, a client of the socket, or gdb
    struct output screen;
    struct look look;
    struct run *run;
    struct stops *stops;     // NULL: none was made yet
    struct trace *traces;    // going on
    struct reports *reports; // NULL: no mistakes are looked for
    struct marks *marks;     // moments with names; NULL: none
    struct gdb *gdb;         // NULL: nobody listens for it
    struct door {
        struct server server;
        char bytes[DOOR_LINE_BYTES]; // that have come in and are not carried out yet
        size_t used;
        bool cut;     // the rest of a line that was too long is still to come
        bool greeted; // the client was given a prompt
    } door;           // -monitor unix:PATH
    struct letting_go {
        struct position from; // where the last way through the past began
        bool may_run;         // the guest is ours to run: false when gdb drives it
        bool in_list;         // a stop's commands are carried out: continue only says go_on
        bool go_on;           // in such a list
        unsigned resets;      // of the run that the user was told of
    } letting_go;
    struct examined {
        uint64_t next;  // address where x and disas go on
        char format[8]; // of the last x
    } examined;
    struct listing {
        char *path; // NULL: nothing was listed yet
        const char *shown;
        unsigned next; // line where list goes on,
        uint64_t step; // unless something ran since
    } listing;
    struct names {
        bool begun; // those of an ELF kernel were looked for
        struct linux_names {
            bool wanted;         // Linux's were asked for, and could not be read, or not all;
            bool modules_wanted; // nor those of its modules
            bool unread;         // some of those that were read are missing
            bool was_another;    // at the last look another guest ran there: its names are hidden
            uint64_t tried;      // at this step
            uint64_t banner;     // address of what says which Linux it is, and how that begins; 0: no names were read
            char version[64];
            uint64_t head, mark; // address of its list of modules, 0: not known; what changes when one comes or goes
        } of[VMX_LEVELS];
    } names; // what is read by itself (show/names.h)
    struct alterations {
        uint64_t count, first_step;
    } altered; // by hand: writes to the machine so far
    struct prompt {
        bool leave;          // quit was said
        bool resume;         // leave the prompt, and let the guest run
        unsigned collecting; // number of the stop whose commands are being read; 0: none
        unsigned errors;     // commands that failed
        char *repeat;        // what Enter alone repeats; NULL: nothing
    } prompt;
    // Carries out one line, and writes what it prints. False: it failed; one line has said why.
    bool (*carry_out)(struct monitor *monitor, const char *line);
};

// From now on what is printed goes to `to`. Returns where it went before.
struct output *monitor_print_to(struct monitor *monitor, struct output *to);
// The machine is about to be changed by hand.
void monitor_alters(struct monitor *monitor);

// The functions behind the rows of command.def, each in the room of its subject; the table of them is in commands.
// `arguments` is what follows the name, without spaces at either end. False after monitor_error.
typedef bool command_fn(struct monitor *monitor, const char *arguments);
#define COMMAND(group, name, arguments, function, flags, help) command_fn command_##function;
#define ALIAS(short, line)
#include "monitor/session/command.def"
#undef COMMAND
#undef ALIAS

#endif
