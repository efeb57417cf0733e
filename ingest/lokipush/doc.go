// Package lokipush decodes the bodies of Loki's push API, protobuf and JSON,
// into batches of log rows.
//
// It opens no connection, decompresses nothing, keeps no data and knows no
// clock. A body that is no protobuf or no JSON is refused whole, as Loki does;
// of any other body the good entries are added and each bad one is named.
//
// # Formats
//
//	message PushRequest {                       {"streams": [
//	  repeated Stream streams = 1;                {"stream": {"app": "api"},
//	}                                              "values": [
//	message Stream {                                 ["1700000000000000000", "line"],
//	  string labels = 1;  // {app="api"}             ["1700000000000000001", "line",
//	  repeated Entry entries = 2;                     {"trace_id": "7f"}]
//	}                                              ]}
//	message Entry {                             ]}
//	  Timestamp timestamp = 1;
//	  string line = 2;
//	  repeated LabelPair structuredMetadata = 3;
//	}
//	message Timestamp { int64 seconds = 1; int32 nanos = 2; }
//	message LabelPair { string name = 1; string value = 2; }
//
// Unknown fields and members are skipped. Members may come in any order.
//
// # From entries to rows
//
//	case                          what happens
//	----------------------------  ------------------------------------------
//	labels of a stream            labels, and no label measurement beside them;
//	                              tenant is added as in package ingest
//	label with an empty value     no label
//	no label at all               every entry of the stream is refused
//	labels not as Loki writes     the same: names are [a-zA-Z_][a-zA-Z0-9_]*,
//	them, twice the same name     values quoted as in Go
//	line                          the line, any bytes
//	structured metadata           one text field each; a name that is no label
//	                              name is made one as Loki does (http.method is
//	                              http_method, 2x is key_2x); of equal names the
//	                              last counts; empty values are left out. They are
//	                              labels of the row in every query: the column
//	                              model.MetadataField says so
//	detected_level                added to the metadata with Options.DetectLevel
//	time as a number in JSON      refused: a JSON number of nanoseconds has lost
//	                              digits in most senders already
//	time before Params.MinTime    refused
//	more than a limit allows      refused; MaxLineBytes is for line and metadata
//	                              together, MaxLabels for the labels of a stream
//	                              (64 by default, where Loki has 15)
//
// # Repetition
//
// Loki drops an entry that its stream has already at the same time, with the
// same line and metadata, and so does this package within a request, however
// often and with whatever spelling of its labels a stream occurs there. Such an
// entry counts as accepted. Between requests nothing is compared entry by
// entry: the store keeps equal rows by design, because elsewhere they are
// legal. What repeats between requests in practice is a whole request that is
// sent again because its answer was lost; the server gives each push a request
// key made of its bytes, so that the store drops those, also after a crash.
//
// # Speed
//
// The bytes of a stream's labels lead through a cache to the interned stream,
// and the sequence of metadata names to the layout of rows: an entry costs the
// copy of its texts. Entries in the order of time cost no search for
// repetition; the others are looked up in a set that exists from the first of
// them on.
package lokipush
