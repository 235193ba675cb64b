// The PVH entry of an ELF file: a note of owner "Xen" and type 18 in a PT_NOTE segment. ELF-64 Object File Format,
// version 1.5, section "Note Section"; Xen, public/elfnote.h, XEN_ELFNOTE_PHYS32_ENTRY.
#include "monitor/elf_image.h"
#include "monitor/status.h"
#include <gelf.h>
#include <string.h>

enum { NOTE_PHYS32_ENTRY = 18, NOTE_ALIGN_8 = 8 };
static const char owner[] = "Xen"; // with its zero byte

static bool is_entry(const GElf_Nhdr *note, const char *notes, size_t name) {
    return note->n_type == NOTE_PHYS32_ENTRY && note->n_namesz == sizeof owner &&
           memcmp(notes + name, owner, sizeof owner) == 0;
}

// The note in one segment; *bytes is the size of its descriptor. NULL: there is none.
static const void *find_in(Elf *elf, const GElf_Phdr *segment, size_t *bytes) {
    Elf_Type type = segment->p_align == NOTE_ALIGN_8 ? ELF_T_NHDR8 : ELF_T_NHDR;
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)segment->p_offset, segment->p_filesz, type);
    GElf_Nhdr note;
    size_t name, descriptor;
    if (!data || !data->d_buf) return NULL;
    for (size_t at = 0; (at = gelf_getnote(data, at, &note, &name, &descriptor)) > 0;) {
        if (!is_entry(&note, data->d_buf, name)) continue;
        *bytes = note.n_descsz;
        return (const char *)data->d_buf + descriptor;
    }
    return NULL;
}

static const void *find(Elf *elf, size_t *bytes) {
    GElf_Phdr segment;
    size_t count;
    const void *descriptor = NULL;
    if (elf_getphdrnum(elf, &count) != 0) return NULL;
    for (size_t i = 0; i < count && !descriptor; i++)
        if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_NOTE)
            descriptor = find_in(elf, &segment, bytes);
    return descriptor;
}

bool elf_pvh_probe(const struct file *file) {
    if (!elf_probe(file)) return false;
    elf_version(EV_CURRENT);
    size_t bytes;
    Elf *elf = elf_memory((char *)file->bytes, file->size);
    bool found = elf && elf_kind(elf) == ELF_K_ELF && find(elf, &bytes);
    elf_end(elf);
    return found;
}

bool elf_pvh_entry(const struct file *file, uint64_t *entry) {
    elf_version(EV_CURRENT);
    size_t bytes = 0;
    Elf *elf = elf_memory((char *)file->bytes, file->size);
    const void *descriptor = elf ? find(elf, &bytes) : NULL;
    *entry = 0;
    if (descriptor && (bytes == 4 || bytes == 8)) memcpy(entry, descriptor, bytes);
    elf_end(elf);
    if (!descriptor) return complain("%s: the note with the PVH entry has gone", file->path);
    if (bytes != 4 && bytes != 8)
        return complain("%s: damaged: the note with the PVH entry has %zu bytes, not 4 or 8", file->path, bytes);
    return true;
}
