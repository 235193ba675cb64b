// A timing model of a real core (cpu/state/timing.h): the pipeline and what stands around it, one for each processor.
#ifndef CPU_TIMING_MODEL_H
#define CPU_TIMING_MODEL_H
#include "cpu/state/timing.h"
#include "cpu/timing/count.h"
#include "cpu/timing/crossing.h"

struct timing_model;
// "golden-cove", "skylake-sp"; NULL past the end. `text`, if wanted: what it is.
const char *timing_model_name(unsigned index, const char **text);
// `crossing` may be NULL: no VT-x. NULL: there is no such model, or memory is short.
struct timing_model *timing_model_new(const char *name, timing_crossing_fn *crossing);
// It begins with what the processor does at the moment.
void timing_model_begin(struct timing_model *model, const struct cpu *cpu);
void timing_model_free(struct timing_model *model);
const struct timing_account *timing_model_account(const struct timing_model *model);
const struct timing *timing_model_timing(const struct timing_model *model);

#endif
