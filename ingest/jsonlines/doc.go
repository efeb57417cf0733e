// Package jsonlines decodes logs as JSON, one object a line, into batches of
// log rows. Which member is the message, which the time and which make up the
// stream is said by the request, in the way of VictoriaLogs.
//
// It opens no connection, decompresses nothing, keeps no data and knows no
// clock. It refuses rather than guesses: a line that is not one JSON object, or
// is beyond a limit, is refused with its place and reason, and the lines beside
// it are decoded.
//
// # From a line to a row
//
//	{"_time":"2023-11-14T22:13:20Z","_msg":"GET /","app":"api",
//	 "http":{"status":200,"ok":true},"tags":["a","b"],"ms":1.5}
//
// is with the stream field app
//
//	stream  {app="api"}
//	line    GET /
//	fields  http.ok=true (bool) http.status=200 (int) ms=1.5 (float)
//	        tags=["a","b"] (text)
//
//	case                         what happens
//	---------------------------  -------------------------------------------
//	blank line                   skipped; it is no record
//	object in an object          its members, with the name before them and a
//	                             dot between; an empty one is the text {}
//	array                        its JSON as written, as text
//	string                       text; half of a surrogate pair becomes U+FFFD,
//	                             bytes that are not UTF-8 stay as they are
//	integer                      int64, exact; beyond it the digits as text
//	other number                 float64; beyond it the characters as text
//	true, false                  bool
//	null                         as if the member were not there
//	same name twice              the last one counts, also where one of them is
//	                             a.b and the other b within a
//	message                      the line, whatever its type; its name is not
//	                             kept. Without one the line is the only text, or
//	                             the texts as logfmt (package ingest)
//	stream field                 a label, whatever its type; none where it is
//	                             empty. Without any the stream is
//	                             {service_name="unknown_service"}, so that a
//	                             selector can reach it
//	no field and no message      refused
//	name that is empty, _line,   refused
//	or not UTF-8
//	control character within a   refused, as JSON demands
//	string
//
// There is no measurement: a number is also read as the metric of its field's
// name, for the first Options.MaxMetricNames names.
//
// # Time
//
//	none, null, "", 0, "0"            Params.Now
//	2023-11-14T22:13:20.123456789Z    also with a blank for T, a comma for the
//	                                  point, an offset such as +01:00 or +0100,
//	                                  without a zone (UTC), without seconds or as
//	                                  a date alone; digits beyond the ninth are
//	                                  dropped
//	1700000000, "1700000000.5"        since 1970: below 5e9 seconds, below 5e12
//	                                  milliseconds, below 5e15 microseconds, else
//	                                  nanoseconds; a fraction for seconds only
//
// What is none of this, or lies before 1677, after 2262 or before
// Params.MinTime, is refused.
//
// # Speed
//
// The scanner is the project's own (jsonscan): what is wanted of a line is its
// leaves with their types and exact bytes, and not a tree, nor the rounding of
// integers that a general decoder brings. The sequence of names and types of a
// line leads through a cache to a plan that says what each of them becomes; a
// line like the one before costs one comparison for that. The values of its
// stream fields lead to the interned stream in the same way.
package jsonlines
