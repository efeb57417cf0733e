package otlp

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"tidemark/storage/model"
)

func newDecoder(t testing.TB, opts Options) *Decoder {
	t.Helper()
	d, err := NewDecoder(opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rows prints a batch, a row in a text.
func rows(b *model.Batch) []string {
	var out []string
	rs := b.Rows()
	for i := range rs {
		r := &rs[i]
		from, cols, words := "", r.Schema.Columns, b.Words(r)
		if cols[0].Type == model.TypeStart {
			from = fmt.Sprint(" from ", words[0])
			cols, words = cols[1:], words[1:]
		}
		var value any = math.Float64frombits(words[0])
		if cols[0].Type == model.TypeHistogram {
			h, err := model.DecodeHistogram(b.TextOf(words[0]))
			if err != nil {
				panic(err)
			}
			value = fmt.Sprintf("schema %d zero %g at %g count %g sum %g %v %v", h.Schema, h.ZeroCount, h.ZeroThreshold, h.Count, h.Sum, h.Positive, h.Negative)
		}
		out = append(out, fmt.Sprintf("%s%s %v @%d%s", cols[0].Name, r.Stream.Labels, value, r.Time, from))
	}
	return out
}

// An encoder of protobuf that shares nothing with the package: a message is
// its fields one after the other.

func pb(num int, v any) []byte {
	tag := func(wire int) []byte { return binary.AppendUvarint(nil, uint64(num<<3|wire)) }
	switch v := v.(type) {
	case string:
		return append(binary.AppendUvarint(tag(2), uint64(len(v))), v...)
	case []byte:
		return append(binary.AppendUvarint(tag(2), uint64(len(v))), v...)
	case int:
		return binary.AppendUvarint(tag(0), uint64(v))
	case uint64:
		return binary.LittleEndian.AppendUint64(tag(1), v)
	case float64:
		return binary.LittleEndian.AppendUint64(tag(1), math.Float64bits(v))
	case []float64: // packed
		var p []byte
		for _, f := range v {
			p = binary.LittleEndian.AppendUint64(p, math.Float64bits(f))
		}
		return append(binary.AppendUvarint(tag(2), uint64(len(p))), p...)
	case []uint64:
		var p []byte
		for _, f := range v {
			p = binary.LittleEndian.AppendUint64(p, f)
		}
		return append(binary.AppendUvarint(tag(2), uint64(len(p))), p...)
	}
	panic(fmt.Sprintf("%T", v))
}

func msg(fields ...[]byte) []byte { return slices.Concat(fields...) }

func attr(num int, name, value string) []byte {
	return pb(num, msg(pb(1, name), pb(2, pb(1, value))))
}

// inScope wraps metrics in a scope and a resource of the service shop/cart.
func inScope(metrics ...[]byte) []byte {
	resource := msg(attr(1, "service.name", "cart"), attr(1, "service.namespace", "shop"), attr(1, "service.instance.id", "i1"), attr(1, "host.name", "h1"))
	var sm []byte
	sm = append(sm, pb(1, msg(pb(1, "lib"), pb(2, "1.2"), attr(3, "a.b", "c")))...)
	for _, m := range metrics {
		sm = append(sm, pb(2, m)...)
	}
	return pb(1, msg(pb(1, resource), pb(2, sm)))
}

const (
	common = `instance="i1", job="shop/cart", otel_scope_a_b="c", otel_scope_name="lib", otel_scope_version="1.2"`
	info   = `target_info{host_name="h1", instance="i1", job="shop/cart"} 1 @`
	sec    = uint64(1e9)
)

var cases = []struct {
	name     string
	pb, json string
	rows     []string
	errs     []string
	rejected int
}{
	{name: "nothing", json: `{}`},
	{name: "gauge", pb: string(inScope(msg(pb(1, "room.temp"), pb(2, "help"), pb(3, "Cel"), pb(5, pb(1, msg(attr(7, "room.name", "a"), pb(2, sec), pb(3, 2*sec), pb(4, 21.5), pb(5, "exemplar"))))))),
		json: scoped(`{"name":"room.temp","description":"help","unit":"Cel","gauge":{"dataPoints":[{"attributes":[{"key":"room.name","value":{"stringValue":"a"}}],"startTimeUnixNano":"1000000000","timeUnixNano":"2000000000","asDouble":21.5,"exemplars":[{"asInt":"1"}]}]}}`),
		rows: []string{`room_temp_celsius{instance="i1", job="shop/cart", otel_scope_a_b="c", otel_scope_name="lib", otel_scope_version="1.2", room_name="a"} 21.5 @2000000000`, info + "2000000000"}},
	{name: "monotonic sum of integers", pb: string(inScope(msg(pb(1, "reqs"), pb(3, "1"), pb(7, msg(pb(1, msg(pb(3, 2*sec), pb(6, uint64(math.MaxUint64-4)))), pb(1, msg(pb(3, 3*sec), pb(6, uint64(7)))), pb(2, 2), pb(3, 1)))))),
		json: scoped(`{"name":"reqs","unit":"1","sum":{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":2000000000,"asInt":"-5"},{"timeUnixNano":"3000000000","asInt":7}]}}`),
		rows: []string{`reqs_total{` + common + `} -5 @2000000000`, `reqs_total{` + common + `} 7 @3000000000`, info + "3000000000"}},
	{name: "histogram", pb: string(inScope(msg(pb(1, "lat"), pb(3, "ms"), pb(9, msg(pb(2, 2), pb(1, msg(pb(3, sec), pb(4, uint64(6)), pb(5, 9.5), pb(6, []uint64{1, 2, 3}), pb(7, []float64{0.5, 10})))))))),
		json: scoped(`{"name":"lat","unit":"ms","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1000000000","count":"6","sum":9.5,"bucketCounts":["1",2,"3"],"explicitBounds":[0.5,10],"min":1}]}}`),
		rows: []string{`lat_milliseconds_bucket{instance="i1", job="shop/cart", le="0.5", otel_scope_a_b="c", otel_scope_name="lib", otel_scope_version="1.2"} 1 @1000000000`,
			`lat_milliseconds_bucket{instance="i1", job="shop/cart", le="10", otel_scope_a_b="c", otel_scope_name="lib", otel_scope_version="1.2"} 3 @1000000000`,
			`lat_milliseconds_bucket{instance="i1", job="shop/cart", le="+Inf", otel_scope_a_b="c", otel_scope_name="lib", otel_scope_version="1.2"} 6 @1000000000`,
			`lat_milliseconds_sum{` + common + `} 9.5 @1000000000`, `lat_milliseconds_count{` + common + `} 6 @1000000000`, info + "1000000000"}},
	{name: "histogram of a count alone", pb: string(inScope(msg(pb(1, "lat"), pb(9, msg(pb(2, 2), pb(1, msg(pb(3, sec), pb(4, uint64(6))))))))),
		json: scoped(`{"name":"lat","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1000000000","count":6}]}}`),
		rows: []string{`lat_bucket{instance="i1", job="shop/cart", le="+Inf", otel_scope_a_b="c", otel_scope_name="lib", otel_scope_version="1.2"} 6 @1000000000`, `lat_count{` + common + `} 6 @1000000000`, info + "1000000000"}},
	{name: "summary", pb: string(inScope(msg(pb(1, "q"), pb(11, pb(1, msg(pb(3, sec), pb(4, uint64(2)), pb(5, 3.0), pb(6, msg(pb(1, 0.99), pb(2, 1.5))))))))),
		json: scoped(`{"name":"q","summary":{"dataPoints":[{"timeUnixNano":"1000000000","count":"2","sum":3,"quantileValues":[{"quantile":0.99,"value":1.5}]}]}}`),
		rows: []string{`q{instance="i1", job="shop/cart", otel_scope_a_b="c", otel_scope_name="lib", otel_scope_version="1.2", quantile="0.99"} 1.5 @1000000000`,
			`q_sum{` + common + `} 3 @1000000000`, `q_count{` + common + `} 2 @1000000000`, info + "1000000000"}},
	{name: "no recorded value", pb: string(inScope(msg(pb(1, "g"), pb(5, pb(1, msg(pb(3, sec), pb(8, 1))))))),
		json: scoped(`{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"1000000000","flags":1}]}}`),
		rows: []string{`g{` + common + `} NaN @1000000000`, info + "1000000000"}},
	{name: "special values", pb: string(inScope(msg(pb(1, "g"), pb(5, msg(pb(1, msg(pb(3, sec), pb(4, math.NaN()))), pb(1, msg(pb(3, sec), pb(4, math.Inf(-1))))))))),
		json: scoped(`{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"1000000000","asDouble":"NaN"},{"timeUnixNano":"1000000000","asDouble":"-Infinity"}]}}`),
		rows: []string{`g{` + common + `} NaN @1000000000`, `g{` + common + `} -Inf @1000000000`, info + "1000000000"}},
	{name: "rejected kinds beside a good one", rejected: 5,
		pb: string(inScope(msg(pb(1, "d"), pb(7, msg(pb(1, msg(pb(3, sec), pb(4, 1.0))), pb(1, msg(pb(3, sec), pb(4, 1.0))), pb(2, 1)))), msg(pb(1, "u"), pb(9, pb(1, pb(3, sec)))),
			msg(pb(1, "e"), pb(10, msg(pb(1, msg(pb(3, sec), pb(8, pb(2, []byte{1})))), pb(1, msg(pb(3, sec), pb(6, 105))), pb(2, 2)))), msg(pb(1, "g"), pb(5, pb(1, msg(pb(3, sec), pb(4, 1.0))))))),
		json: scoped(`{"name":"d","sum":{"aggregationTemporality":1,"dataPoints":[{"timeUnixNano":"1000000000","asDouble":1},{"timeUnixNano":"1000000000","asDouble":1}]}},{"name":"u","histogram":{"dataPoints":[{"timeUnixNano":"1000000000"}]}},` +
			`{"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1000000000","positive":{"bucketCounts":["1"]}},{"timeUnixNano":"1000000000","scale":-53}]}},{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"1000000000","asDouble":1}]}}`),
		rows: []string{`g{` + common + `} 1 @1000000000`, info + "1000000000"},
		errs: []string{`metric "d": aggregation temporality is delta: want cumulative`, `metric "u": aggregation temporality is unspecified: want cumulative`, `metric "e": bad native histogram: want the buckets to have all 0 observations, got 1`, `metric "e": bad native histogram: scale: want -4 to 52, got -53`}},
	{name: "exponential histogram", pb: string(inScope(msg(pb(1, "e"), pb(3, "s"), pb(10, msg(pb(2, 2),
		pb(1, msg(pb(2, sec), pb(3, 2*sec), pb(4, uint64(9)), pb(5, 4.5), pb(6, 4), pb(7, uint64(2)), pb(8, msg(pb(1, 3), pb(2, []byte{3, 0, 1}))), pb(9, msg(pb(2, []byte{3}))), pb(14, 0.25), pb(12, 1.0), attr(1, "x", "y"))),
		pb(1, msg(pb(2, 4*sec), pb(3, 3*sec), pb(4, uint64(5)), pb(6, 20), pb(8, msg(pb(1, 5), pb(2, []byte{1, 1, 1, 1, 1}))))),
		pb(1, msg(pb(3, 4*sec), pb(10, 1)))))))),
		json: scoped(`{"name":"e","unit":"s","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[` +
			`{"startTimeUnixNano":"1000000000","timeUnixNano":"2000000000","count":"9","sum":4.5,"scale":2,"zeroCount":2,"positive":{"offset":-2,"bucketCounts":["3","0",1]},"negative":{"bucketCounts":[3]},"zeroThreshold":0.25,"min":1,"attributes":[{"key":"x","value":{"stringValue":"y"}}]},` +
			`{"startTimeUnixNano":"4000000000","timeUnixNano":"3000000000","count":"5","scale":10,"positive":{"offset":-3,"bucketCounts":[1,1,1,1,1]}},` +
			`{"timeUnixNano":"4000000000","flags":1}]}}`),
		rows: []string{`e_seconds{` + common + `, x="y"} schema 2 zero 2 at 0.25 count 9 sum 4.5 {[-1 1] [3 1]} {[1] [3]} @2000000000 from 1000000000`,
			`e_seconds{` + common + `} schema 8 zero 0 at 1e-128 count 5 sum 0 {[0 1] [3 2]} {[] []} @3000000000`,
			`e_seconds{` + common + `} schema 0 zero 0 at 0 count 0 sum NaN {[] []} {[] []} @4000000000`, info + "4000000000"}},
	{name: "start time of a sum", pb: string(inScope(msg(pb(1, "c"), pb(7, msg(pb(2, 2), pb(1, msg(pb(2, sec), pb(3, 2*sec), pb(4, 1.0)))))))),
		json: scoped(`{"name":"c","sum":{"aggregationTemporality":2,"dataPoints":[{"startTimeUnixNano":"1000000000","timeUnixNano":"2000000000","asDouble":1}]}}`),
		rows: []string{`c{` + common + `} 1 @2000000000 from 1000000000`, info + "2000000000"}},
	{name: "bad points", rejected: 6,
		pb: string(inScope(msg(pb(1, "g"), pb(5, msg(pb(1, pb(4, 1.0)), pb(1, pb(3, sec)), pb(1, msg(pb(3, uint64(1<<63)), pb(4, 1.0)))))),
			msg(pb(1, "h"), pb(9, msg(pb(2, 2), pb(1, msg(pb(3, sec), pb(6, []uint64{1}), pb(7, []float64{1}))), pb(1, msg(pb(3, sec), pb(6, []uint64{1, 1, 1}), pb(7, []float64{2, 1})))))), msg(pb(1, "--"), pb(5, pb(1, msg(pb(3, sec), pb(4, 1.0))))))),
		json: scoped(`{"name":"g","gauge":{"dataPoints":[{"asDouble":1},{"timeUnixNano":"1000000000"},{"timeUnixNano":"9223372036854775808","asDouble":1}]}},` +
			`{"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1000000000","bucketCounts":[1],"explicitBounds":[1]},{"timeUnixNano":"1000000000","bucketCounts":[1,1,1],"explicitBounds":[2,1]}]}},{"name":"--","gauge":{"dataPoints":[{"timeUnixNano":"1000000000","asDouble":1}]}}`),
		errs: []string{`metric "g": data point has no time`, `metric "g": data point has no value`, `metric "g": time 9223372036854775808 ns: want one before the year 2262`,
			`metric "h": 1 bucket counts with 1 bounds: want one more than bounds`, `metric "h": bounds 2 and 1: want them ascending`, `metric "--": metric name has no letter or digit`}},
}

// scoped is inScope for JSON.
func scoped(metrics string) string {
	return `{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}},{"key":"service.namespace","value":{"stringValue":"shop"}},{"key":"service.instance.id","value":{"stringValue":"i1"}},{"key":"host.name","value":{"stringValue":"h1"}}],"unknown":{"x":[1,{"y":null}]}},` +
		`"scopeMetrics":[{"scope":{"name":"lib","version":"1.2","attributes":[{"key":"a.b","value":{"stringValue":"c"}}]},"metrics":[` + metrics + `]}]}]}`
}

func TestDecodeTable(t *testing.T) {
	d := newDecoder(t, Options{})
	for _, tc := range cases {
		for e, body := range map[Encoding]string{Protobuf: tc.pb, JSON: tc.json} {
			t.Run(fmt.Sprint(tc.name, "/", map[Encoding]string{Protobuf: "protobuf", JSON: "json"}[e]), func(t *testing.T) {
				for range 2 { // the second time from the cache
					var b model.Batch
					rep, err := d.Decode([]byte(body), Params{Encoding: e}, &b)
					if err != nil {
						t.Fatal(err)
					}
					if got := rows(&b); !slices.Equal(got, tc.rows) || !b.Valid() {
						t.Errorf("rows\n  %q\nwant\n  %q", got, tc.rows)
					}
					var errs []string
					for _, x := range rep.Errors {
						errs = append(errs, x.Error())
					}
					if !slices.Equal(errs, tc.errs) || rep.Rejected != tc.rejected || rep.MetricRows != b.Len() || rep.Lines != rep.Accepted+rep.Rejected {
						t.Errorf("errors\n  %q\nwant\n  %q; %+v", errs, tc.errs, rep)
					}
				}
			})
		}
	}
}

// TestStaleMarkerExactly: the NaN of a point without a value is the one that
// ends a series.
func TestStaleMarkerExactly(t *testing.T) {
	var b model.Batch
	body := inScope(msg(pb(1, "h"), pb(9, msg(pb(2, 2), pb(1, msg(pb(3, sec), pb(7, []float64{1}), pb(10, 1)))))))
	if _, err := newDecoder(t, Options{}).Decode(body, Params{}, &b); err != nil || b.Len() != 5 {
		t.Fatalf("%d rows, %v: want two buckets, sum, count and target_info", b.Len(), err)
	}
	rs := b.Rows()
	for i := range rs[:4] {
		if got := b.Words(&rs[i])[0]; got != 0x7ff0000000000002 {
			t.Errorf("row %d is %x", i, got)
		}
	}
}

func TestAttributes(t *testing.T) {
	d := newDecoder(t, Options{ResourceAttributes: []string{"host.name"}})
	f := func(attrs, want string) {
		t.Helper()
		body := scoped(`{"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"1","asInt":"1","attributes":[` + attrs + `]}]}}`)
		var b model.Batch
		rep, err := d.Decode([]byte(body), Params{Encoding: JSON, Tenant: "t"}, &b)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(rep.Errors) > 0 {
			got = rep.Errors[0].Reason
		} else {
			got = b.Rows()[0].Stream.Labels.Without("otel_scope_a_b", "otel_scope_name", "otel_scope_version", "tenant").String()
		}
		if got != want {
			t.Errorf("%s gives %s, want %s", attrs, got, want)
		}
	}
	a := func(name, value string) string { return `{"key":"` + name + `","value":{` + value + `}}` }
	f(a("n", `"intValue":"-9223372036854775808"`), `{host_name="h1", instance="i1", job="shop/cart", n="-9223372036854775808"}`)
	f(a("n", `"intValue":5`), `{host_name="h1", instance="i1", job="shop/cart", n="5"}`)
	f(a("n", `"boolValue":true`), `{host_name="h1", instance="i1", job="shop/cart", n="true"}`)
	f(a("n", `"boolValue":false`), `{host_name="h1", instance="i1", job="shop/cart", n="false"}`)
	f(a("n", `"doubleValue":0.25`), `{host_name="h1", instance="i1", job="shop/cart", n="0.25"}`)
	f(a("n", `"bytesValue":"AQI="`), `{host_name="h1", instance="i1", job="shop/cart", n="AQI="}`)
	f(a("n", `"arrayValue":{"values":[{"stringValue":"a"},{"intValue":"1"},{}]}`), `{host_name="h1", instance="i1", job="shop/cart", n="[\"a\",1,null]"}`)
	f(a("n", `"kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{}}}]}`), `{host_name="h1", instance="i1", job="shop/cart", n="{\"k\":[]}"}`)
	f(a("n", ``), `{host_name="h1", instance="i1", job="shop/cart"}`)
	f(a("n", `"stringValue":""`), `{host_name="h1", instance="i1", job="shop/cart"}`)
	f(a("job", `"stringValue":"x"`)+","+a("le", `"stringValue":"y"`)+","+a("__name__", `"stringValue":"z"`), `{exported___name__="z", exported_job="x", host_name="h1", instance="i1", job="shop/cart", le="y"}`)
	f(a("b_c", `"stringValue":"2"`)+","+a("b.c", `"stringValue":"1"`), `{b_c="1;2", host_name="h1", instance="i1", job="shop/cart"}`)
	f(a("b", `"stringValue":"2"`)+","+a("b", `"stringValue":"1"`), `attribute "b" is given twice`)
	f(a("", `"stringValue":"2"`), `attribute "": want a name with a letter or digit`)
	f(a("x", `"stringValue":"\u00e9"`), `{host_name="h1", instance="i1", job="shop/cart", x="é"}`)
}

func TestNames(t *testing.T) {
	f := func(name, unit string, monotonic, gauge bool, want string) {
		t.Helper()
		if got := metricName(name, unit, monotonic, gauge); got != want {
			t.Errorf("%s of %q is %s, want %s", name, unit, got, want)
		}
	}
	f("http.server.duration", "ms", false, false, "http_server_duration_milliseconds")
	f("disk.io", "By", true, false, "disk_io_bytes_total")
	f("disk.io.bytes", "By", true, false, "disk_io_bytes_total")
	f("total.requests", "", true, false, "requests_total")
	f("ratio.of", "1", false, true, "of_ratio")
	f("count", "1", true, false, "count_total")
	f("queue", "{items}", false, true, "queue")
	f("net", "By/s", false, true, "net_bytes_per_second")
	f("net", "{x}/s", false, true, "net_per_second")
	f("net", "By/{x}", false, true, "net_bytes")
	f("speed", "km/h", false, true, "speed_km_per_hour")
	f("2xx", "", false, true, "_2xx")
	f("a::b--c", "%", false, true, "a::b_c_percent")
	f("ä", "", false, true, "")
	l := func(name, want string) {
		t.Helper()
		if got := labelName(name); got != want {
			t.Errorf("label %q is %s, want %s", name, got, want)
		}
	}
	l("http.method", "http_method")
	l("a..b__c", "a_b_c")
	l("1st", "key_1st")
	l("_a.", "_a_")
	l("__reserved__", "__reserved__")
	l("___", "")
	l("é", "")
}

func TestRefusedWhole(t *testing.T) {
	d := newDecoder(t, Options{MaxSamples: 5})
	f := func(e Encoding, body, want string) {
		t.Helper()
		var b model.Batch
		if _, err := d.Decode([]byte(body), Params{Encoding: e}, &b); err == nil || err.Error() != want {
			t.Errorf("%q gives %v, want %s", body, err, want)
		}
	}
	f(JSON, `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":5}]}]}]}`, `JSON at byte 57: want a string`)
	f(JSON, `{"resourceMetrics":{}}`, `JSON at byte 19: unexpected '{': want '['`)
	place := func(body, what, why string) {
		t.Helper()
		f(JSON, body, fmt.Sprintf("JSON at byte %d: %s: %s", strings.Index(body, what), what, why))
	}
	place(scoped(`{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"-1"}]}}`), `"-1"`, `want an integer of 64 bits that is not negative`)
	place(scoped(`{"name":"g","sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA"}}`), `"AGGREGATION_TEMPORALITY_DELTA"`, `want an integer of 64 bits`)
	f(Protobuf, "{}", "malformed protobuf: field 15 at byte 1: wire type 3: want 0, 1, 2 or 5")
	six := msg(pb(1, "h"), pb(9, msg(pb(2, 2), pb(1, msg(pb(3, sec), pb(6, []uint64{1, 1, 1}), pb(7, []float64{1, 2}))))))
	f(Protobuf, string(inScope(six)), "request is too large: more than 5 samples (MaxSamples)")
	deep := strings.Repeat(`{"arrayValue":{"values":[`, 60) + strings.Repeat(`]}}`, 60)
	var b model.Batch
	if _, err := d.Decode([]byte(scoped(`{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"1","asInt":1,"attributes":[{"key":"a","value":`+deep+`}]}]}}`)), Params{Encoding: JSON}, &b); err == nil {
		t.Error("a deep attribute is accepted")
	}
	for i := 0; i < 18; i++ {
		deep := pb(1, "x")
		for range i {
			deep = pb(5, pb(1, deep))
		}
		_, err := anyValue(nil, deep, 0)
		if (err != nil) != (i > maxValueDepth) || err != nil && !errors.Is(err, errTooDeep) {
			t.Errorf("a value of %d levels gives %v", i, err)
		}
	}
}

// TestTruncation: what is cut off is refused, or has no more rows.
func TestTruncation(t *testing.T) {
	d := newDecoder(t, Options{})
	for _, tc := range cases {
		for n := range tc.pb {
			var b model.Batch
			if _, err := d.Decode([]byte(tc.pb[:n]), Params{}, &b); err == nil && n > 0 {
				t.Fatalf("%s: %d of %d bytes are taken for a request", tc.name, n, len(tc.pb))
			}
		}
		for n := range tc.json {
			var b model.Batch
			if _, err := d.Decode([]byte(tc.json[:n]), Params{Encoding: JSON}, &b); err == nil {
				t.Fatalf("%s: %d of %d bytes are taken for a request", tc.name, n, len(tc.json))
			}
		}
	}
}

func TestTooOld(t *testing.T) {
	var b model.Batch
	rep, err := newDecoder(t, Options{}).Decode(inScope(msg(pb(1, "g"), pb(5, msg(pb(1, msg(pb(3, sec), pb(4, 1.0))), pb(1, msg(pb(3, 2*sec), pb(4, 2.0))))))), Params{MinTime: 15e8}, &b)
	if err != nil || rep.TooOld != 1 || rep.Accepted != 1 || rep.Rejected != 1 ||
		rep.Errors[0].Error() != `metric "g": time 1970-01-01T00:00:01Z is older than retention keeps: want one from 1970-01-01T00:00:01.5Z on` {
		t.Errorf("%+v, %v", rep, err)
	}
}

func TestAnswers(t *testing.T) {
	var b model.Batch
	d := newDecoder(t, Options{})
	rep, err := d.Decode([]byte(cases[1].pb), Params{}, &b)
	if err != nil || string(AppendResponse(nil, JSON, &rep)) != "{}" || len(AppendResponse(nil, Protobuf, &rep)) != 0 {
		t.Errorf("full success is %s %q, %v", AppendResponse(nil, JSON, &rep), AppendResponse(nil, Protobuf, &rep), err)
	}
	rep, _ = d.Decode(inScope(msg(pb(1, "g\n"), pb(5, pb(1, pb(4, 1.0))))), Params{}, &b)
	const message = "1 of 1 data points rejected; metric \"g\\n\": data point has no time"
	var got struct {
		PartialSuccess struct{ RejectedDataPoints, ErrorMessage string }
	}
	if err := json.Unmarshal(AppendResponse(nil, JSON, &rep), &got); err != nil || got.PartialSuccess.RejectedDataPoints != "1" || got.PartialSuccess.ErrorMessage != message {
		t.Errorf("%+v, %v", got, err)
	}
	if got, want := AppendResponse(nil, Protobuf, &rep), pb(1, msg(pb(1, 1), pb(2, message))); string(got) != string(want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := AppendStatus(nil, Protobuf, 3, "no"), msg(pb(1, 3), pb(2, "no")); string(got) != string(want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := string(AppendStatus(nil, JSON, 3, `a"b`)); got != `{"code":3,"message":"a\"b"}` {
		t.Error(got)
	}
}

// TestScopesAreForgotten: more scopes than are remembered do no harm.
func TestScopesAreForgotten(t *testing.T) {
	d := newDecoder(t, Options{CacheBytes: 64 << 10})
	for i := range 2*maxScopes + 10 {
		name := fmt.Sprint("svc", i%(maxScopes+5))
		body := pb(1, msg(pb(1, attr(1, "service.name", name)), pb(2, pb(2, msg(pb(1, "g"), pb(5, pb(1, msg(pb(3, sec), pb(4, 1.0)))))))))
		var b model.Batch
		if _, err := d.Decode(body, Params{}, &b); err != nil || b.Len() != 1 || b.Rows()[0].Stream.Labels.Get("job") != name {
			t.Fatalf("%s gives %q, %v", name, rows(&b), err)
		}
	}
	if len(d.scopes.all) > maxScopes {
		t.Errorf("%d scopes are held", len(d.scopes.all))
	}
}

// TestConcurrently: requests of the same and of different scopes at once lead
// to the labels that each has alone.
func TestConcurrently(t *testing.T) {
	d := newDecoder(t, Options{CacheBytes: 64 << 10})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 500 {
				name := fmt.Sprint("svc", (i*3+w)%50)
				body := pb(1, msg(pb(1, attr(1, "service.name", name)), pb(2, pb(2, msg(pb(1, "g"), pb(5, pb(1, msg(attr(7, "n", fmt.Sprint(i%20)), pb(3, sec), pb(4, 1.0)))))))))
				var b model.Batch
				_, err := d.Decode(body, Params{}, &b)
				if want := fmt.Sprintf("g{job=%q, n=\"%d\"} 1 @1000000000", name, i%20); err != nil || len(rows(&b)) != 1 || rows(&b)[0] != want {
					t.Errorf("%q, %v; want %s", rows(&b), err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzDecode(f *testing.F) {
	for _, tc := range cases {
		f.Add([]byte(tc.pb), false)
		f.Add([]byte(tc.json), true)
	}
	d := newDecoder(f, Options{CacheBytes: 64 << 10})
	f.Fuzz(func(t *testing.T, in []byte, asJSON bool) {
		p := Params{Encoding: Protobuf, MinTime: 5}
		if asJSON {
			p.Encoding = JSON
		}
		var b, again model.Batch
		rep, err := d.Decode(in, p, &b)
		rep2, err2 := newDecoder(t, Options{}).Decode(in, p, &again)
		if (err == nil) != (err2 == nil) || rep.Accepted != rep2.Accepted || rep.Rejected != rep2.Rejected || !slices.Equal(rows(&b), rows(&again)) {
			t.Fatalf("%+v, %v; without a cache %+v, %v", rep, err, rep2, err2)
		}
		if !b.Valid() || err == nil && rep.MetricRows != b.Len() {
			t.Fatalf("%d rows, %+v", b.Len(), rep)
		}
		for _, r := range b.Rows() {
			if _, err := model.DecodeLabels([]byte(r.Stream.Key())); err != nil {
				t.Fatal(err)
			}
		}
		AppendResponse(nil, p.Encoding, &rep)
	})
}

func BenchmarkDecode(b *testing.B) {
	var metrics [][]byte
	const points = 2000
	for m := range 20 {
		var data []byte
		for i := range points / 20 {
			data = append(data, pb(1, msg(attr(7, "http.route", fmt.Sprint("/api/v1/", i)), attr(7, "http.request.method", "GET"), attr(7, "server.address", "example.org"), pb(2, sec), pb(3, 2*sec), pb(4, float64(i))))...)
		}
		metrics = append(metrics, msg(pb(1, fmt.Sprint("http.server.requests.", m)), pb(3, "s"), pb(5, data)))
	}
	body := inScope(metrics...)
	d := newDecoder(b, Options{})
	var batch model.Batch
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		if rep, err := d.Decode(body, Params{}, &batch); err != nil || rep.Accepted != points {
			b.Fatal(err, rep.Err())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/points, "ns/point")
}
