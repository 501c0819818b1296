/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit_options.h - the settings of a workspace as rows of a command's table of options: they collect
 * in one list of settings (engine/setting.h), `list` of the struct `options_struct`.
 */
#ifndef MD_CLI_LIMIT_OPTIONS_H
#define MD_CLI_LIMIT_OPTIONS_H

/* clang-format off */
#define CLI_SETTING(options_struct, list, name, letter, argument, help)                            \
	{ name, letter, ARGS_SETTING, offsetof(options_struct, list), argument, help }

#define CLI_LIMITS(s, list)                                                                        \
	CLI_SETTING(s, list, "memory", 'm', "SIZE", "limit of memory (100m; 0: none)"),            \
	CLI_SETTING(s, list, "memory-swap", 0, "SIZE", "memory and swap together (as --memory: no swap)"), \
	CLI_SETTING(s, list, "pids-limit", 0, "N", "limit of processes (20; 0: none)"),            \
	CLI_SETTING(s, list, "cpus", 0, "N", "limit of processors, such as 0.5 (none)"),           \
	CLI_SETTING(s, list, "cpu-shares", 0, "N", "weight among workspaces, 2 to 262144 (1024)"), \
	CLI_SETTING(s, list, "blkio-weight", 0, "N", "the same for storage, 10 to 1000 (100)"),    \
	CLI_SETTING(s, list, "device-read-bps", 0, "SIZE", "bytes a second from the devices its files are on"), \
	CLI_SETTING(s, list, "device-write-bps", 0, "SIZE", "bytes a second to them"),             \
	CLI_SETTING(s, list, "device-read-iops", 0, "N", "reads a second from them"),              \
	CLI_SETTING(s, list, "device-write-iops", 0, "N", "writes a second to them"),              \
	CLI_SETTING(s, list, "disk", 0, "SIZE", "limit of what it may write (none); can grow later"), \
	CLI_SETTING(s, list, "disk-inodes", 0, "N", "limit of files on that disk"),                \
	CLI_SETTING(s, list, "bandwidth", 0, "SIZE", "on a bridge: bytes a second, each way (no limit)")

#define CLI_CONFINEMENT(s, list)                                                                   \
	CLI_SETTING(s, list, "template", 0, "NAME", "all settings of a template (`mdocker template ls`)"), \
	CLI_SETTING(s, list, "profile", 0, "NAME", "default, or stricter or looser (`mdocker profile ls`)")

#define CLI_RECORDING(s, list)                                                                     \
	CLI_SETTING(s, list, "record", 0, "WHEN", "its terminals: ask, always, never (ask)"),      \
	CLI_SETTING(s, list, "record-size", 0, "SIZE", "the most of one recording (64m)"),         \
	CLI_SETTING(s, list, "record-total", 0, "SIZE", "kept of all, the oldest go (256m; 0: no limit)"), \
	CLI_SETTING(s, list, "record-days", 0, "N", "older recordings go (30; 0: none do)"),       \
	CLI_SETTING(s, list, "ring", 0, "SIZE", "output kept of each terminal, for who comes back (2m)"), \
	CLI_SETTING(s, list, "scrollback", 0, "LINES", "kept of each terminal (10000)")

#define CLI_NETWORK(s, list)                                                                       \
	CLI_SETTING(s, list, "network", 0, "KIND", "none (loopback only), bridge, host (no isolation), auto (a bridge if possible)"), \
	CLI_SETTING(s, list, "egress", 0, "POLICY", "on a bridge: none, internet, full, allow:CIDR[:PORT[/tcp|/udp]],...")
/* clang-format on */

#endif
