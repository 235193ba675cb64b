// The vocabulary of entry.def and access_right.def. Included before rows and again after them, which takes the words
// away.
//
// In scope of the rows: `rules`; for access_right.def also `access`, `rights` (TLB_WRITE, TLB_USER, TLB_EXECUTE, the
// protection key), and `found`, `reserved_bit`, `keyed` for the error code. WORD wraps what reads something: those who
// explain define it first, to write down what was read.
#ifndef RULE_WORDS
#define RULE_WORDS
#ifndef WORD
#define WORD(what, value) (value)
#endif

// sets of kinds
#define OF(kind) ENTRY_OF(kind)
#define EVERY ENTRY_EVERY
#define REGISTER ENTRY_REGISTER
#define PAE ENTRY_PAE
#define LONG ENTRY_LONG
#define WIDE (ENTRY_PAE | ENTRY_LONG)
#define MAPPING ENTRY_MAPPING
#define SMALL ENTRY_SMALL
#define LARGE ENTRY_LARGE

// control registers and the model
#define cr0(X) WORD("CR0." #X, (rules->cr0 & CR0_##X) != 0)
#define cr4(X) WORD("CR4." #X, (rules->cr4 & CR4_##X) != 0)
#define efer(X) WORD("EFER." #X, (rules->efer & EFER_##X) != 0)
#define page_1g() (rules->page_1g)
#define beyond_width() (BITS(51, 0) & ~(BIT(rules->physical_bits) - 1))
#define pse_36_reserved() (BITS(21, 13) & ~BITS((rules->physical_bits < 40 ? rules->physical_bits : 40) - 20, 13))

// the access
#define fetch() (access->fetch)
#define data() (!access->fetch)
#define write() (access->write)
#define user_mode() (access->class == ACCESS_USER)
#define supervisor_checked() (access->class == ACCESS_SUPERVISOR)

// the translation
#define user_mode_address() WORD("U/S", (rights & TLB_USER) != 0)
#define writable() WORD("R/W", (rights & TLB_WRITE) != 0)
#define executable() WORD("XD", (rights & TLB_EXECUTE) != 0)
#define has_key() (cr4(PKE) && rules->mode >= PAGING_4 && user_mode_address())
#define key() (rights >> TLB_PKEY_SHIFT & 15)
#define access_disable() WORD("PKRU", rules->pkru >> 2 * key() & 1)
#define write_disable() WORD("PKRU", rules->pkru >> (2 * key() + 1) & 1)

// the outcome
#define found() (outcome->found)
#define reserved() (outcome->reserved)
#define protection_key() (outcome->protection_key)

#else
#undef RULE_WORDS
#undef WORD
#undef OF
#undef EVERY
#undef REGISTER
#undef PAE
#undef LONG
#undef WIDE
#undef MAPPING
#undef SMALL
#undef LARGE
#undef cr0
#undef cr4
#undef efer
#undef page_1g
#undef beyond_width
#undef pse_36_reserved
#undef fetch
#undef data
#undef write
#undef user_mode
#undef supervisor_checked
#undef user_mode_address
#undef writable
#undef executable
#undef has_key
#undef key
#undef access_disable
#undef write_disable
#undef found
#undef reserved
#undef protection_key
#endif
