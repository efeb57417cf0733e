package shape_test

import (
	"context"
	"fmt"

	"tidemark/storage/shape"
)

func Example() {
	var p shape.Parsed
	shape.Parse([]byte("Accepted password for ann from 10.0.0.1 port 51022 in 0.5s"), &p)
	fmt.Printf("%s\n%016x\n", shape.AppendText(nil, p.Template), p.ID())
	for _, v := range p.Vars {
		fmt.Printf("%v %s\n", v.Kind, v.Text)
	}
	line, err := shape.Append(nil, p.Template, p.Vars)
	fmt.Printf("%s %v\n", line, err)
	// Output:
	// Accepted password for ann from <ip4> port <int> in <dec>s
	// a0030545b0ab65fd
	// ip4 10.0.0.1
	// int 51022
	// dec 0.5
	// Accepted password for ann from 10.0.0.1 port 51022 in 0.5s <nil>
}

func ExampleMerge() {
	patterns, err := shape.Merge(context.Background(), []shape.Count{
		{Template: []byte("session of user ann closed after \x00i s"), N: 3},
		{Template: []byte("session of user bob closed after \x00i ms"), N: 1},
		{Template: []byte("disk \x00p is full"), N: 2},
	})
	for _, p := range patterns {
		fmt.Println(p.N, p.Text(), p.Shapes)
	}
	fmt.Println(err)
	// Output:
	// 4 session of user <*> closed after <*> [0 1]
	// 2 disk <*> is full [2]
	// <nil>
}
