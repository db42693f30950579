// Renders templates with Go's own text/template, as Gas City does: JSON on standard input, JSON on standard output.
package main

import (
	"encoding/json"
	"os"
	"strings"
	"text/template"
)

type job struct {
	Text      string            `json:"text"`
	Fragments []string          `json:"fragments"`
	Vars      map[string]string `json:"vars"`
	Append    []string          `json:"append"`
}

type result struct {
	Out string `json:"out"`
	Err string `json:"err"`
}

func render(j job) (out string, err error) {
	root := template.New("prompt").Option("missingkey=zero")
	first := func(data any, names ...string) (string, error) {
		for _, name := range names {
			if t := root.Lookup(name); t != nil {
				var b strings.Builder
				err := t.Execute(&b, data)
				return b.String(), err
			}
		}
		return "", nil
	}
	root.Funcs(template.FuncMap{
		"cmd":           func() string { return "gc" },
		"session":       func(a string) string { return strings.ReplaceAll(a, "/", "--") },
		"basename":      func(a string) string { return a[strings.LastIndex(a, "/")+1:] },
		"templateFirst": first,
	})
	for n, f := range j.Fragments {
		if _, err := root.New("fragment" + string(rune('a'+n%26)) + string(rune('a'+n/26))).Parse(f); err != nil {
			return "", err
		}
	}
	t, err := root.Parse(j.Text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, j.Vars)
	return b.String(), err
}

func main() {
	var jobs []job
	if err := json.NewDecoder(os.Stdin).Decode(&jobs); err != nil {
		panic(err)
	}
	results := make([]result, len(jobs))
	for n, j := range jobs {
		out, err := render(j)
		results[n].Out = out
		if err != nil {
			results[n] = result{Err: err.Error()}
		}
	}
	json.NewEncoder(os.Stdout).Encode(results)
}
