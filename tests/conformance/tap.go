// SPDX-License-Identifier: Apache-2.0

// Package tap has what the validation programs of runtime-tools use of a package that Debian doesn't have: the
// writing of test results in the TAP format.
package tap

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// T numbers and writes results.
type T struct {
	Writer   io.Writer
	todo     bool
	count    int
	autoPlan bool
}

// New returns a T that writes to standard output.
func New() *T {
	return &T{Writer: os.Stdout}
}

// Header writes the version and, for a known number of tests, the plan.
func (t *T) Header(count int) {
	fmt.Fprintln(t.Writer, "TAP version 13")
	if count > 0 {
		fmt.Fprintf(t.Writer, "1..%d\n", count)
	} else {
		t.autoPlan = true
	}
}

// AutoPlan writes the plan behind the tests.
func (t *T) AutoPlan() {
	if t.autoPlan {
		fmt.Fprintf(t.Writer, "1..%d\n", t.count)
	}
}

// Ok writes one result.
func (t *T) Ok(passed bool, description string) {
	t.count++
	word := "ok"
	if !passed {
		word = "not ok"
	}
	if t.todo {
		description += " # TODO"
	}
	fmt.Fprintf(t.Writer, "%s %d - %s\n", word, t.count, description)
}

// Todo returns a T whose failures are expected.
func (t *T) Todo() *T {
	other := *t
	other.todo = true
	return &other
}

// Pass writes a passed test.
func (t *T) Pass(description string) { t.Ok(true, description) }

// Fail writes a failed test.
func (t *T) Fail(description string) { t.Ok(false, description) }

// Skip writes skipped tests.
func (t *T) Skip(count int, description string) {
	for i := 0; i < count; i++ {
		t.count++
		fmt.Fprintf(t.Writer, "ok %d # SKIP %s\n", t.count, description)
	}
}

// Diagnostic writes a remark.
func (t *T) Diagnostic(message string) {
	fmt.Fprintf(t.Writer, "# %s\n", strings.ReplaceAll(message, "\n", "\n# "))
}

// Diagnosticf writes a formatted remark.
func (t *T) Diagnosticf(format string, values ...interface{}) {
	t.Diagnostic(fmt.Sprintf(format, values...))
}

// YAML writes a value as a block below the last result.
func (t *T) YAML(value interface{}) error {
	text, err := json.MarshalIndent(value, "  ", "  ")
	if err == nil {
		fmt.Fprintf(t.Writer, "  ---\n  %s\n  ...\n", text)
	}
	return err
}
