s/#include "given.h"/&\nstatic const unsigned every[] = {\n#define FIELD(encoding, name, exists, part, text) encoding,\n#include "vmx\/vmcs\/field.def"\n#undef FIELD\n};/
s/EACH\(read_often, encoding\) vmwrite/EACH(every, encoding) vmwrite/
