package generator

import (
	"fmt"
	"strings"
)

// Signature is the method's name, parameters and results.
func (m *method) Signature() string {
	in := "ctx context.Context"
	if args := list(m.args); args != "" {
		in += ", " + args
	}
	return fmt.Sprintf("%s(%s) %s", m.Name, in, m.Returns())
}

// Unnamed is the signature with blank parameters.
func (m *method) Unnamed() string { return m.Name + m.Func() }

// Func is the method's type without the word func.
func (m *method) Func() string {
	in := []string{"context.Context"}
	for _, a := range m.args {
		in = append(in, a.Type)
	}
	return fmt.Sprintf("(%s) %s", strings.Join(in, ", "), m.Returns())
}

// Returns lists the results.
func (m *method) Returns() string {
	if m.Result.Type == "" {
		return "error"
	}
	return "(" + m.Result.Type + ", error)"
}

// list writes parameters as Go does, one type for neighbours that share it.
func list(args []arg) string {
	var out strings.Builder
	for i, a := range args {
		if i > 0 {
			out.WriteString(", ")
		}
		out.WriteString(a.Name)
		if i+1 == len(args) || args[i+1].Type != a.Type {
			out.WriteString(" " + a.Type)
		}
	}
	return out.String()
}

// Names lists the arguments as a caller passes them on.
func (m *method) Names() string {
	var out []string
	for _, a := range m.args {
		out = append(out, a.Name)
	}
	return strings.Join(out, ", ")
}

// Before lists the statements before the call.
func (m *method) Before() []string { return m.call }

// Call is the call.
func (m *method) Call() string {
	method := m.value
	if m.poll != "" {
		method += ", " + m.poll
	}
	call := fmt.Sprintf("%s(ctx, c.core, %s, opencloud.Request{%s}", m.Result.Func, method, strings.Join(m.fields, ", "))
	if m.Result.Func == "opencloud.DoFunc" {
		call += ", decode" + strings.TrimPrefix(m.Result.Type, "*")
	}
	return call + ")"
}

// ResumeCall is the call behind Resume.
func (m *method) ResumeCall() string {
	return strings.Replace(m.Result.Func, "opencloud.Start", "opencloud.Resume", 1) + "(c.core, " + m.poll + ", name)"
}

// PathParams lists the template's parameters in order.
func PathParams(path string) []string {
	var out []string
	for rest := path; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return out
		}
		name, tail, _ := strings.Cut(after, "}")
		out, rest = append(out, name), tail
	}
}

// bodyArg names the argument of a body type.
func bodyArg(goType string) string {
	if goType == "any" {
		return "value"
	}
	base, isList := strings.CutPrefix(goType, "[]")
	if isList {
		return "items"
	}
	if strings.ToLower(base[:1]) == base[:1] {
		return "value"
	}
	for _, suffix := range []string{"Update", "Create", "Request", "Form"} {
		if base := strings.TrimSuffix(goType, suffix); base != goType && base != "" {
			if suffix == "Request" || suffix == "Form" {
				return strings.ToLower(suffix)
			}
			return argName(base)
		}
	}
	return argName(goType)
}
