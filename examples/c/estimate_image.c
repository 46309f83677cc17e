/* Head poses of a photograph (binary PPM or PGM) in plain C, as one line of JSON:
 *
 *     estimate_image_c CARD IMAGE [X0 Y0 X1 Y1]
 *
 * CARD is the path of a model's card: $(python -m hpe_edge --models-dir)/fsanet.json. Without a box, the faces are looked
 * for. Exit codes: 0 done, 2 bad input. */
#include <hpe_edge.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "pnm.h"

enum { MOST_FACES = 256 };

static int fail(const char* what, const char* why) {
    fprintf(stderr, "error: %s: %s\n", what, why);
    return 2;
}

static void print_number(const char* before, double value) {
    if (isnan(value)) {
        printf("%snull", before);
    } else {
        printf("%s%.6f", before, value);
    }
}

static void print_pose(const hpe_edge_pose* pose) {
    print_number("{\"yaw_deg\": ", pose->yaw_deg);
    print_number(", \"pitch_deg\": ", pose->pitch_deg);
    print_number(", \"roll_deg\": ", pose->roll_deg);
    print_number(", \"std_deg\": [", pose->std_deg[0]);
    print_number(", ", pose->std_deg[1]);
    print_number(", ", pose->std_deg[2]);
    print_number("], \"box_xyxy\": [", pose->box.x0);
    print_number(", ", pose->box.y0);
    print_number(", ", pose->box.x1);
    print_number(", ", pose->box.y1);
    print_number("], \"score\": ", pose->score);
    printf("}");
}

static int estimate(const hpe_edge_estimator* estimator, const hpe_edge_image* image, const hpe_edge_box* box) {
    static hpe_edge_pose poses[MOST_FACES];
    size_t count = 1;
    size_t i;
    const hpe_edge_status status = box != NULL ? hpe_edge_estimate_boxes(estimator, image, box, 1, poses)
                                               : hpe_edge_estimate(estimator, image, poses, MOST_FACES, &count);
    if (status != HPE_EDGE_OK) return fail("estimate", hpe_edge_last_error());
    printf("{\"poses\": [");
    for (i = 0; i < count; ++i) {
        if (i > 0) printf(", ");
        print_pose(&poses[i]);
    }
    printf("]}\n");
    return 0;
}

int main(int argc, char** argv) {
    hpe_edge_estimator* estimator = NULL;
    hpe_edge_image image = {0};
    hpe_edge_box box;
    pnm_image photo;
    const char* wrong;
    int code;

    if (argc != 3 && argc != 7) return fail("usage", "estimate_image_c CARD IMAGE [X0 Y0 X1 Y1]");
    if (argc == 7) {
        box.x0 = strtof(argv[3], NULL);
        box.y0 = strtof(argv[4], NULL);
        box.x1 = strtof(argv[5], NULL);
        box.y1 = strtof(argv[6], NULL);
    }
    if (hpe_edge_open(argv[1], NULL, &estimator) != HPE_EDGE_OK) return fail(argv[1], hpe_edge_last_error());
    wrong = pnm_read(argv[2], &photo);
    if (wrong == NULL) {
        image.data = photo.data;
        image.width = photo.width;
        image.height = photo.height;
        image.format = photo.channels == 3 ? HPE_EDGE_RGB8 : HPE_EDGE_MONO8;
        code = estimate(estimator, &image, argc == 7 ? &box : NULL);
    } else {
        code = fail(argv[2], wrong);
    }
    free(photo.data);
    hpe_edge_close(estimator);
    return code;
}
