# SPDX-License-Identifier: Apache-2.0
"""What crun's tests use of libmount's Python module, which Debian does not package: a table read from a mountinfo file."""


class Fs:
    def __init__(self, line):
        left, right = line.rstrip("\n").split(" - ", 1)
        fields = left.split(" ")
        self.target = fields[4]
        self.vfs_options = fields[5]
        self.fs_options = right.split(" ")[2]


class Table:
    def __init__(self, path):
        with open(path) as file:
            self.entries = [Fs(line) for line in file if " - " in line]

    def find_target(self, target):
        return [entry for entry in self.entries if entry.target == target][-1]
