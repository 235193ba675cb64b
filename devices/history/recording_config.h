// The rows of a recording's configuration, as they come in. Part of reading a recording; see recording.h.
#ifndef DEVICES_HISTORY_RECORDING_CONFIG_H
#define DEVICES_HISTORY_RECORDING_CONFIG_H
#include "devices/history/recording.h"
#include "devices/history/recording_code.h"

struct recording_rows {
    struct recording *recording;
    bool machine;           // its row was there
    struct cpu_model model; // as the row said it: numbers, and the features that are listed
    char model_name[RECORDING_NAME_BYTES];
    char *error; // one line
    size_t error_size;
};
// False: with the line in `error`.
bool recording_row(struct recording_rows *rows, struct code_in *in);
bool recording_rows_end(struct recording_rows *rows); // after the last one

#endif
