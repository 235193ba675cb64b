// The vocabulary of entry.def and right.def. Included before rows and again after them, which takes the words away.
//
// In scope of the rows: `rules`; of entry.def `entry`; of right.def `access`, and `together`: the rights of all entries
// of the walk, 0 when one is not present.
#ifndef EPT_WORDS
#define EPT_WORDS

// sets of kinds
#define OF(kind) EPT_OF(kind)
#define EVERY EPT_EVERY
#define MAPPING EPT_MAPPING
#define LARGE EPT_LARGE_KINDS

// an entry
#define set(X) ((entry & EPT_##X) != 0)
#define type() ((entry & EPT_MEMORY_TYPE) >> 3)
#define capability(X) ((rules->capability & CAP_##X) != 0)
#define beyond_width() (BITS(51, 12) & rules->physical_reserved)
#define executes() (EPT_EXECUTE | (rules->user_execute ? EPT_USER_EXECUTE : 0))

// an access
#define fetch() (access->fetch)
#define write() (!access->fetch && access->write)
#define read() (!access->fetch && !access->write)
#define guest_entry() (access->page_walk && access->linear_valid) // of a guest's table; not PDPTEs that MOV to CR loads
#define translated() (access->linear_valid && !access->page_walk)
#define flags() (rules->accessed_dirty)
#define by_user_mode() (rules->user_execute && access->rights & TLB_USER)

#else
#undef EPT_WORDS
#undef OF
#undef EVERY
#undef MAPPING
#undef LARGE
#undef set
#undef type
#undef capability
#undef beyond_width
#undef executes
#undef fetch
#undef write
#undef read
#undef guest_entry
#undef translated
#undef flags
#undef by_user_mode
#endif
