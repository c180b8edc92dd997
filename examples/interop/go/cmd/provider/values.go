package main

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/vmihailenco/msgpack/v5"
	"google.golang.org/protobuf/types/known/structpb"

	pb "example.com/interop/gen/facade/v1"
)

// The largest whole number that JSON carries safely. What is beyond travels as text.
const safe = 1 << 53

// arguments are given by position or by name.
type arguments struct {
	list  []any
	named map[string]any
}

// decode reads the arguments of a call.
func decode(call *pb.Invocation) (arguments, error) {
	var content any
	switch encoded := call.GetArguments().(type) {
	case nil: // none
	case *pb.Invocation_Value:
		content = encoded.Value.AsInterface()
	case *pb.Invocation_Msgpack:
		decoder := msgpack.NewDecoder(bytes.NewReader(encoded.Msgpack))
		decoder.UseLooseInterfaceDecoding(true)
		if err := decoder.Decode(&content); err != nil {
			return arguments{}, fmt.Errorf("the arguments are not msgpack: %w", err)
		}
	default:
		return arguments{}, misfit("arguments come as msgpack or value")
	}
	switch content := content.(type) {
	case nil:
		return arguments{}, nil
	case []any:
		return arguments{list: content}, nil
	case map[string]any:
		return arguments{named: content}, nil
	}
	return arguments{}, misfit("arguments are a list or an object")
}

// encode puts a value into the result, in the encoding of the call.
func encode(result *pb.Result, call *pb.Invocation, value any) error {
	if _, packed := call.GetArguments().(*pb.Invocation_Msgpack); packed {
		content, err := msgpack.Marshal(value)
		result.Outcome = &pb.Result_Msgpack{Msgpack: content}
		return err
	}
	if number, whole := value.(int64); whole && (number > safe || number < -safe) {
		value = strconv.FormatInt(number, 10)
	}
	content, err := structpb.NewValue(value)
	result.Outcome = &pb.Result_Value{Value: content}
	return err
}

// misfit is an error of the caller: the method was not started.
type misfit string

func (m misfit) Error() string { return string(m) }

type parameter struct {
	name     string
	into     any
	optional bool
}

func required(name string, into any) parameter { return parameter{name, into, false} }
func optional(name string, into any) parameter { return parameter{name, into, true} }

// bind checks the arguments against the parameters and puts each where it belongs.
func (a arguments) bind(parameters ...parameter) error {
	if len(a.list) > len(parameters) {
		return misfit(fmt.Sprintf("takes %d arguments, and %d were given",
			len(parameters), len(a.list)))
	}
	found := 0
	for position, p := range parameters {
		value, given := a.named[p.name]
		if position < len(a.list) {
			value, given = a.list[position], true
		}
		if !given && !p.optional {
			return misfit(fmt.Sprintf("missing argument %q", p.name))
		}
		if given {
			found++
			if !assign(p.into, value) {
				return misfit(fmt.Sprintf("argument %q: a %T does not fit", p.name, value))
			}
		}
	}
	if found < len(a.named) {
		return misfit("there is an argument of an unknown name")
	}
	return nil
}

func assign(into, value any) bool {
	fits := false
	switch into := into.(type) {
	case *string:
		*into, fits = value.(string)
	case *int64:
		*into, fits = whole(value)
	case *float64:
		*into, fits = number(value)
	}
	return fits
}

func whole(value any) (int64, bool) {
	switch value := value.(type) {
	case int64:
		return value, true
	case uint64:
		return int64(value), value <= math.MaxInt64
	case float64:
		return int64(value), value == math.Trunc(value) && math.Abs(value) <= safe
	case string: // one that is too long for JSON
		parsed, err := strconv.ParseInt(value, 10, 64)
		return parsed, err == nil
	}
	return 0, false
}

func number(value any) (float64, bool) {
	switch value := value.(type) {
	case float64:
		return value, true
	case int64:
		return float64(value), true
	case uint64:
		return float64(value), true
	}
	return 0, false
}
