// A picture as a file: PNG, or PPM where the name ends so.
#ifndef MONITOR_IMAGE_FILE_H
#define MONITOR_IMAGE_FILE_H
#include "devices/display/picture.h"

bool image_file_has_format(const char *path); // its suffix names one: .png, .ppm
// False: `why` says what is wrong.
bool image_file_write(const struct picture *picture, const char *path, char *why, size_t why_size);

#endif
