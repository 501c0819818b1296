/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.h - `mdockerd --check-url`: asks for --public-url as a browser would, once by HTTP and once for a WebSocket, and says what
 * is between people and this server. `mdocker doctor` runs it.
 */
#ifndef MD_SERVER_PROBE_H
#define MD_SERVER_PROBE_H

/* Prints a line a check to standard output: level ("ok", "weaker", "broken"), name, what was found, what to do, with tabs between
 * them. The first broken one is the last. Each has 5 s. Returns the exit code: 1 if one is broken. `url` may be NULL: nothing is
 * tried. */
int probe_main(const char *url);

#endif
