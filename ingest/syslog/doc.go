// Package syslog turns syslog messages, RFC 5424 and RFC 3164, into log rows.
// It opens no connection: a Scanner cuts a stream into messages, a Decoder adds
// them to batches.
//
//	message                            becomes
//	--------------------------------   -------------------------------------------
//	HOSTNAME, else the peer's address  label host
//	APP-NAME or TAG                    label service_name, else unknown_service
//	facility                           label facility, as a keyword
//	severity                           field severity as a keyword, and field level
//	                                   as other sources write it: fatal, critical,
//	                                   error, warn, info or debug
//	PROCID, MSGID                      fields proc_id, msg_id
//	[id name="value"]                  field id_name
//	MSG                                the line, as it is
//	TIMESTAMP                          the time; without one, when it was received
//
// A message that neither RFC explains is kept whole as the line, as RFC 3164
// (4.3.3) asks of a relay: user.notice from the peer, received now. Times of
// RFC 3164 have no year and no zone: they are read in UTC, in the year that
// brings them nearest to now.
//
// # Framing
//
// On TCP (RFC 6587) a message that begins with a digit is counted, LEN SP MSG,
// and any other ends with a line feed; a trailing carriage return or zero byte
// is no part of it. A message beyond MaxLineBytes is passed over and reported,
// and those behind it are read. A datagram of UDP is one message.
package syslog
