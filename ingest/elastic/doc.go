// Package elastic decodes the bodies of Elasticsearch's bulk API into batches
// of log rows. Documents are decoded as package jsonlines decodes lines; this
// package reads the actions between them, and says of each in its order what
// became of it.
//
// It is a way in for shippers, no document store: nothing is found, replaced or
// deleted by an id.
//
//	{"create":{"_index":"logs-web"}}
//	{"@timestamp":"2023-11-14T22:13:20Z","message":"GET /","ms":4}
//
//	case                      what happens
//	------------------------  ----------------------------------------------
//	create, index             one log row of the document on the next line
//	update, delete            the item is refused; update takes its line along
//	_index                    the text field _index of the row, or a label where
//	                          the request names it a stream field
//	_id                       said again in the answer and not kept: a document
//	                          that is sent twice is two rows
//	other members             skipped
//	document that is refused  the item is refused, those beside it are stored
//	line that is no action,   the whole request is refused, because what follows
//	or an action without a    can no longer be told to be an action or a
//	document                  document; Elasticsearch does the same
//	blank line before an      skipped
//	action
//
// Where a request does not name them, the time is @timestamp and the message as
// in package jsonlines.
package elastic
