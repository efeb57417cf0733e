package otlp

import (
	"encoding/binary"
	"encoding/json"
	"strconv"

	"tidemark/ingest"
)

// AppendResponse appends the ExportMetricsServiceResponse to a request whose
// points were stored or rejected as the report says: empty where all were
// stored.
func AppendResponse(dst []byte, e Encoding, rep *ingest.Report) []byte {
	return appendResponse(dst, e, rep, "rejectedDataPoints", "data points")
}

// AppendLogsResponse appends the ExportLogsServiceResponse in the same way.
func AppendLogsResponse(dst []byte, e Encoding, rep *ingest.Report) []byte {
	return appendResponse(dst, e, rep, "rejectedLogRecords", "log records")
}

func appendResponse(dst []byte, e Encoding, rep *ingest.Report, field, records string) []byte {
	message := ""
	if rep.Rejected > 0 || len(rep.Errors) > 0 {
		message = summarize(rep, records)
	}
	if e == JSON {
		if message == "" {
			return append(dst, "{}"...)
		}
		dst = append(dst, `{"partialSuccess":{"`+field+`":"`...)
		dst = strconv.AppendInt(dst, int64(rep.Rejected), 10)
		dst = append(dst, `","errorMessage":`...)
		return append(appendJSON(dst, message), "}}"...)
	}
	if message == "" {
		return dst
	}
	var partial []byte
	if rep.Rejected > 0 {
		partial = binary.AppendUvarint([]byte{1 << 3}, uint64(rep.Rejected))
	}
	partial = appendField(partial, 2, message)
	return appendField(dst, 1, string(partial))
}

// shownErrors bounds the reasons in an answer's message.
const shownErrors = 5

func summarize(rep *ingest.Report, records string) string {
	s := strconv.Itoa(rep.Rejected) + " of " + strconv.Itoa(rep.Lines) + " " + records + " rejected"
	for i := range rep.Errors {
		if i == shownErrors {
			return s + "; and others"
		}
		s += "; " + rep.Errors[i].Error()
	}
	return s
}

// AppendStatus appends a google.rpc.Status with a code of gRPC and a message.
func AppendStatus(dst []byte, e Encoding, code int, message string) []byte {
	if e == JSON {
		dst = append(dst, `{"code":`...)
		dst = strconv.AppendInt(dst, int64(code), 10)
		dst = append(dst, `,"message":`...)
		return append(appendJSON(dst, message), '}')
	}
	dst = binary.AppendUvarint(append(dst, 1<<3), uint64(code))
	return appendField(dst, 2, message)
}

func appendField(dst []byte, num byte, s string) []byte {
	dst = append(dst, num<<3|2)
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendJSON(dst []byte, s string) []byte {
	b, _ := json.Marshal(s) // of a string: it cannot fail
	return append(dst, b...)
}
