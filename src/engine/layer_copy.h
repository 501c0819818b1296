/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_copy.h - a layer of an image with the ids of one workspace's block: for kernels and file
 * systems without idmapped mounts.
 */
#ifndef MD_ENGINE_LAYER_COPY_H
#define MD_ENGINE_LAYER_COPY_H

#include <stdint.h>

#include "base/error.h"

/* Copies the folder `from` to `to`: what belongs to 0..65535 belongs to base..base+65535 there, set-id
 * bits and file capabilities included; who is above that becomes nobody (65534). Whole or not at all:
 * made under a temporary name beside `to`. Nobody else may change either meanwhile. */
int layer_copy(const char *from, const char *to, uint32_t base, struct md_error *err);

#endif
