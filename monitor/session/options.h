// The command line, read into one struct. The rows are in options.def.
#ifndef MONITOR_OPTIONS_H
#define MONITOR_OPTIONS_H
#include "devices/machine/machine.h"
#include "devices/machine/position.h"
#include "monitor/disk/images.h"
#include "monitor/host/console.h"
#include "monitor/host/file.h"
#include <stdbool.h>
#include <stdint.h>

#define VMXRAY_VERSION "0.1"

// Whether what goes wrong explains itself on stderr. DEFAULT: where a person is in front of the terminal.
enum self_explaining { WHY_DEFAULT, WHY_ON, WHY_OFF };

enum monitor_place { MONITOR_KEY, MONITOR_NONE, MONITOR_STDIO, MONITOR_UNIX }; // KEY: Ctrl-A c switches to it

// Whether a filter leaves the run only the system calls that it needs. DEFAULT: where that can be had; ON: and a word
// where not.
enum sandbox { SANDBOX_DEFAULT, SANDBOX_ON, SANDBOX_OFF };

enum {
    OPTIONS_TRACES = 8,
    OPTIONS_PLACE = 300,
    OPTIONS_FILES = 32,
    OPTIONS_FILE_NAME = 64,
    OPTIONS_GIVEN = 64,
    OPTIONS_MIGRATIONS = 16,
    OPTIONS_PATH = 4096,
    OPTIONS_WORKERS = 64,
    OPTIONS_TIER_BYTES = 64 << 20
};

// What firmware there is to be.
#define FIRMWARE_UNSAID UINT64_MAX
struct firmware_wish {
    bool wanted;
    const char *bios;                              // its path; NULL: none was named
    char smbios[2048];                             // what -smbios says, as devices/firmware/smbios.h has it
    uint64_t menu_milliseconds, fail_milliseconds; // FIRMWARE_UNSAID
};

struct loader;
struct recording;
// FILE[,hashes=STEPS][,checkpoints=SIZE][,disk=full|hashes] of -record and record.
struct record_wish {
    char path[OPTIONS_PATH]; // empty: nowhere
    uint64_t hashes;         // steps between hashes in it
    uint64_t checkpoints;    // bytes of checkpoints in it, about
    bool disks;              // it has what is read of images, and not hashes alone
};

struct options {
    struct machine_config machine;
    struct firmware_wish firmware;
    struct machine_file machine_file[OPTIONS_FILES];  // machine.file
    char file_name[OPTIONS_FILES][OPTIONS_FILE_NAME]; // their names
    struct file file[OPTIONS_FILES];                  // and the bytes of those that come out of a file
    struct drive_wish drive[MACHINE_DRIVES];          // machine.drive, as asked for
    unsigned drives;
    bool snapshot;                              // -snapshot
    struct images *images;                      // of the drives; NULL: there are none
    const struct loader *protocol;              // NULL: the first that knows the kernel
    const char *loadvm;                         // the snapshot that is gone on from; NULL: none
    const char *incoming;                       // where a machine comes from; NULL: nowhere
    const char *migrate_to[OPTIONS_MIGRATIONS]; // where migrate may go
    unsigned migrations;
    const char *given[OPTIONS_GIVEN]; // the options that were there
    unsigned givens;
    const char *kernel, *initrd, *append; // NULL: not given. Of a multiboot image initrd names its modules
    struct channel serial[MACHINE_SERIAL_PORTS], debug_console;
    unsigned serial_options; // -serial seen so far
    uint8_t vga;             // enum vga_choice
    uint8_t screen;          // enum screen_choice
    bool full_screen;
    bool machine_given; // -machine names the board
    bool no_serial, no_reboot, no_shutdown, hash, stats;
    bool stops_at_end; // -on-end stop
    enum sandbox sandbox;
    enum self_explaining why;
    enum monitor_place monitor;
    char monitor_path[OPTIONS_PLACE];  // of MONITOR_UNIX
    const char *script;                // NULL: not given
    struct file script_file;           // what it has
    bool stopped;                      // -S
    const char *trace[OPTIONS_TRACES]; // what is traced from the first step on, to where
    unsigned traces;
    const char *report[OPTIONS_TRACES]; // which mistakes are reported from the first step on, to where
    unsigned reports;
    char gdb[OPTIONS_PLACE];            // where to listen for gdb; empty: nowhere
    struct record_wish record;          // where the run is written down
    char replay[OPTIONS_PATH];          // what is run once more; empty: nothing
    char replay_at[OPTIONS_FILE_NAME];  // where that is opened; empty: at its beginning
    struct position opened;             // the same
    struct recording *recording;        // what it holds
    const char *decides;                // the first option that was given and decides what the machine is; NULL: none
    uint64_t history_bytes;             // of the host's memory for the past; UINT64_MAX: what is usual
    unsigned history_workers;           // threads that search it
    unsigned tier;                      // 1: code is interpreted; 2: what runs often is compiled
    uint64_t tier_bytes;                // of compiled code, at most
    uint64_t steps;                     // stop when the machine has done so many; UINT64_MAX: no limit
    uint64_t cycles;                    // the same in cycles, idle time counted
    uint64_t hash_every, drop_every;    // steps; 0: never
    uint64_t single_from, single_count; // this window is driven one step at a time
};

enum vga_choice { VGA_USUAL, VGA_NONE, VGA_STD };
enum screen_choice { SCREEN_USUAL, SCREEN_NONE, SCREEN_SDL, SCREEN_CURSES };

enum parsed { PARSED_RUN, PARSED_DONE, PARSED_WRONG };
// DONE: -help or the like has printed what was asked for. WRONG: one line on stderr has said what. Strings stay in
// argv.
enum parsed options_parse(struct options *options, int argc, char **argv);

#endif
