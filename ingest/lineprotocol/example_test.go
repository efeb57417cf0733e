package lineprotocol_test

import (
	"fmt"

	"tidemark/ingest/lineprotocol"
	"tidemark/storage/model"
)

func ExampleDecoder_Decode() {
	d, err := lineprotocol.NewDecoder(lineprotocol.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	body := `cpu,host=a usage_user=3,usage_system=1i 1700000000
nginx,host=a msg="GET / 200",duration=0.12 1700000001
cpu,host=a usage_user=NaN 1700000002
`
	var b model.Batch // append it to a store with Sink.Append
	rep := d.Decode([]byte(body), lineprotocol.Params{Precision: lineprotocol.Second, Database: "telegraf"}, &b)
	rows := b.Rows()
	for i := range rows {
		for j, c := range rows[i].Schema.Columns {
			w := b.Words(&rows[i])[j]
			v := model.Value{Type: c.Type, Bits: w}
			if c.Type == model.TypeText {
				v.Text = string(b.TextOf(w))
			}
			fmt.Println(rows[i].Stream.Labels, c.Name, c.Field, v)
		}
	}
	for _, e := range rep.Errors {
		fmt.Println(e)
	}
	// Output:
	// {db="telegraf", host="a"} cpu_usage_user usage_user 3
	// {db="telegraf", host="a"} cpu_usage_system usage_system 1
	// {db="telegraf", host="a", measurement="nginx"}  _line GET / 200
	// {db="telegraf", host="a", measurement="nginx"} nginx_duration duration 0.12
	// line 3, column 23: field "usage_user" has value "NaN": NaN and infinity are not accepted: want a finite number
}
