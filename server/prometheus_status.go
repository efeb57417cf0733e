package server

import (
	"runtime"
	"strconv"
	"time"
)

// What Prometheus tells of scraping, of alerts sent and of its own
// configuration has no like here. Clients ask for it all the same and need a
// valid answer: one without anything in it.

const (
	emptyTargets       = `{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}`
	emptyScrapePools   = `{"scrapePools":[]}`
	emptyAlertmanagers = `{"activeAlertmanagers":[],"droppedAlertmanagers":[]}`
	emptyConfig        = `{"yaml":""}`
	walReplayed        = `{"min":0,"max":0,"current":0}`
)

// constantly is the handler of a path whose data is always the same.
func constantly(data string) func(*Server, *call) error {
	answer := []byte(`{"status":"success","data":` + data + "}\n")
	return func(_ *Server, c *call) error {
		answerBytes(c.ctx, 200, answer)
		return nil
	}
}

// started is when the program began, for runtimeinfo.
var started = time.Now()

func (s *Server) handlePromRuntimeinfo(c *call) error {
	b := append([]byte(nil), `{"status":"success","data":{"startTime":`...)
	b = appendString(b, started.UTC().Format(time.RFC3339Nano))
	b = append(b, `,"CWD":"","hostname":"","serverTime":`...)
	b = appendString(b, s.opts.Now().UTC().Format(time.RFC3339Nano))
	b = append(b, `,"reloadConfigSuccess":true,"lastConfigTime":`...)
	b = appendString(b, started.UTC().Format(time.RFC3339Nano))
	b = append(b, `,"corruptionCount":`...)
	b = strconv.AppendInt(b, int64(len(s.losses(c))), 10)
	b = append(b, `,"goroutineCount":`...)
	b = strconv.AppendInt(b, int64(runtime.NumGoroutine()), 10)
	b = append(b, `,"GOMAXPROCS":`...)
	b = strconv.AppendInt(b, int64(runtime.GOMAXPROCS(0)), 10)
	answerBytes(c.ctx, 200, append(b, `,"GOMEMLIMIT":0,"GOGC":"","GODEBUG":"","storageRetention":""}}`+"\n"...))
	return nil
}
