//go:build !linux || !cgo

package verbs

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// TestStub calls every method of every object with zero arguments: each that can fail says ErrNotSupported, but Close,
// which has nothing to close.
func TestStub(t *testing.T) {
	_, devicesErr := Devices()
	_, openErr := Open("rxe0")
	for _, err := range []error{devicesErr, openErr} {
		if !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "CGO_ENABLED") {
			t.Errorf("got %v", err)
		}
	}
	for _, o := range []any{&Context{}, &PD{}, &MR{}, &CompChannel{}, &CQ{}, &QP{}} {
		v := reflect.ValueOf(o)
		for i := range v.NumMethod() {
			m := v.Method(i)
			args := make([]reflect.Value, m.Type().NumIn())
			for j := range args {
				args[j] = reflect.Zero(m.Type().In(j))
			}
			out := m.Call(args)
			err, ok := out[len(out)-1].Interface().(error)
			name := v.Type().String() + "." + v.Type().Method(i).Name
			switch fails := m.Type().Out(len(out)-1) == reflect.TypeFor[error](); {
			case strings.HasSuffix(name, ".Close"):
				if ok {
					t.Errorf("%s gave %v", name, err)
				}
			case fails && !errors.Is(err, ErrNotSupported):
				t.Errorf("%s gave %v", name, err)
			}
		}
	}
}
