/* hpe-edge for C and, through it, for other languages (docs/CPP.md). C99.
 *
 *     hpe_edge_estimator* estimator;
 *     if (hpe_edge_open("fsanet.json", NULL, &estimator) != HPE_EDGE_OK) puts(hpe_edge_last_error());
 *
 * Every function that may fail gives a status and leaves what it was to write untouched when it is not HPE_EDGE_OK. No
 * C++ exception leaves a function. Structs are plain; a field that is 0 or NULL means what its comment says of 0. */
#ifndef HPE_EDGE_H
#define HPE_EDGE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define HPE_EDGE_API __attribute__((visibility("default")))
#else
#define HPE_EDGE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hpe_edge_status {
    HPE_EDGE_OK = 0,
    HPE_EDGE_INVALID_ARGUMENT = 1,
    HPE_EDGE_INVALID_IMAGE = 2,
    HPE_EDGE_INVALID_BOX = 3,
    HPE_EDGE_CORRUPT_MODEL = 4,
    HPE_EDGE_MODEL_NOT_FOUND = 5,
    HPE_EDGE_OUT_OF_MEMORY = 6,
    HPE_EDGE_INTERNAL = 7 /* a bug: please report it */
} hpe_edge_status;

enum hpe_edge_precision {
    HPE_EDGE_PRECISION_AUTO = 0, /* int8 where the card has it and says that it keeps its bound, else fp32 */
    HPE_EDGE_PRECISION_FP32 = 1,
    HPE_EDGE_PRECISION_INT8 = 2
};

enum hpe_edge_pixel_format {
    HPE_EDGE_BGR8 = 0, /* as OpenCV has it */
    HPE_EDGE_RGB8 = 1,
    HPE_EDGE_MONO8 = 2,
    HPE_EDGE_BGRA8 = 3,
    HPE_EDGE_RGBA8 = 4,
    HPE_EDGE_YUYV = 5, /* Y U Y V; this and nv12: BT.601, limited range, even width */
    HPE_EDGE_NV12 = 6  /* a plane of Y, and a second one of U V at half the width and height, which is even too */
};

/* A model that has been opened. Calls do not change it: threads may share one. */
typedef struct hpe_edge_estimator hpe_edge_estimator;

typedef struct hpe_edge_options {
    int32_t precision;         /* of enum hpe_edge_precision */
    int32_t threads;           /* 1 to 256, that one call may use; 0: 1 */
    const char* detector_card; /* path; NULL: detectors/face.json beside the model's card, where there is one */
    double score_threshold;    /* of the detector, above 0 and below 1; 0: the card's */
    int32_t longest_side;      /* pixels, of the detector's input, 32 to 4096; 0: the card's */
    int32_t max_faces;         /* that the detector gives; 0: 256 */
} hpe_edge_options;

typedef struct hpe_edge_image {
    const uint8_t* data;
    int32_t width, height;      /* pixels */
    ptrdiff_t row_stride;       /* bytes from a row to the next, also negative; 0: rows without a gap */
    int32_t format;             /* of enum hpe_edge_pixel_format */
    const uint8_t* second_data; /* second plane, of the formats that have one; else NULL */
    ptrdiff_t second_row_stride; /* as row_stride */
} hpe_edge_image;

/* Pixels, half-open. A tight face box: brows to chin, jaw to jaw, no margin. */
typedef struct hpe_edge_box {
    float x0, y0, x1, y1;
} hpe_edge_box;

/* Degrees. +yaw: the nose points to image-left; +pitch: the face looks up; +roll: turned clockwise in the image. */
typedef struct hpe_edge_pose {
    float yaw_deg, pitch_deg, roll_deg;
    float std_deg[3]; /* spread of yaw, pitch, roll; NaN where the model has none */
    hpe_edge_box box;
    float score; /* of the detector, 0 to 1; NaN where the box was given */
} hpe_edge_pose;

/* What runs. The texts live as long as the estimator. */
typedef struct hpe_edge_info {
    const char* model;
    const char* model_version;
    const char* sha256;          /* of the network's file */
    const char* precision;       /* "fp32", "int8" */
    const char* instruction_set; /* "scalar", "avx2", "avx512vnni", "neon", "neondot" */
    const char* detector;        /* the name in its card; "" where there is none */
    int32_t threads;
} hpe_edge_info;

/* The version of the library, "0.1.0". */
HPE_EDGE_API const char* hpe_edge_version(void);

/* What went wrong in the last call of this thread that failed; "" when none has. Stays until the next one fails. */
HPE_EDGE_API const char* hpe_edge_last_error(void);

/* Opens the card of a model, whose files lie beside it; their sha256 is checked. options: NULL for the defaults. */
HPE_EDGE_API hpe_edge_status hpe_edge_open(const char* card, const hpe_edge_options* options,
                                           hpe_edge_estimator** estimator);

/* NULL is allowed. */
HPE_EDGE_API void hpe_edge_close(hpe_edge_estimator* estimator);

HPE_EDGE_API hpe_edge_status hpe_edge_get_info(const hpe_edge_estimator* estimator, hpe_edge_info* info);

/* The poses of the heads in `count` boxes, in their order; poses has room for as many. */
HPE_EDGE_API hpe_edge_status hpe_edge_estimate_boxes(const hpe_edge_estimator* estimator, const hpe_edge_image* image,
                                                     const hpe_edge_box* boxes, size_t count, hpe_edge_pose* poses);

/* The poses of the faces that the detector finds, the surest first. poses has room for `capacity` of them, which
 * max_faces (256) always suffices for; *count becomes how many were written. */
HPE_EDGE_API hpe_edge_status hpe_edge_estimate(const hpe_edge_estimator* estimator, const hpe_edge_image* image,
                                               hpe_edge_pose* poses, size_t capacity, size_t* count);

/* The turn of a head as a unit quaternion x, y, z, w in the OpenCV and ROS optical frame: x right, y down, z forward;
 * 0, 0, 0, 1 when the face looks into the camera. */
HPE_EDGE_API hpe_edge_status hpe_edge_quaternion(const hpe_edge_pose* pose, double xyzw[4]);

#ifdef __cplusplus
}
#endif

#endif
