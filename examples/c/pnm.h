/* Reads binary PPM (P6, rgb8) and PGM (P5, mono8) files with 8 bits a channel, so that the examples need no library. */
#ifndef PNM_H
#define PNM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct pnm_image {
    uint8_t* data; /* freed by free() */
    int width, height, channels;
} pnm_image;

/* NULL, or what is wrong. */
static inline const char* pnm_read_file(FILE* file, pnm_image* image) {
    char kind = 0;
    int largest = 0;
    size_t size = 0;
    if (fscanf(file, "P%c %d %d %d", &kind, &image->width, &image->height, &largest) != 4 || fgetc(file) == EOF) {
        return "expected a binary PPM or PGM file";
    }
    if ((kind != '5' && kind != '6') || largest != 255) return "expected P5 or P6 with 255 levels";
    if (image->width < 1 || image->height < 1 || image->width > 65535 || image->height > 65535) {
        return "expected 1 to 65535 pixels a side";
    }
    image->channels = kind == '6' ? 3 : 1;
    size = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    image->data = (uint8_t*)malloc(size);
    if (image->data == NULL) return "out of memory";
    return fread(image->data, 1, size, file) == size ? NULL : "the file is cut off";
}

static inline const char* pnm_read(const char* path, pnm_image* image) {
    const char* wrong = NULL;
    FILE* const file = fopen(path, "rb");
    image->data = NULL;
    if (file == NULL) return "the file cannot be opened";
    wrong = pnm_read_file(file, image);
    fclose(file);
    return wrong;
}

#endif
