package ingest

import (
	"fmt"
	"math"
	"time"
)

// CheckLogTime returns why a log row of that time is refused, or "": it may be
// MaxAhead after now and MaxBehind before it. Metrics may have any time: plans
// and forecasts lie ahead. A now of 0 stands for no clock, and no bound.
func (l *Limits) CheckLogTime(t, now int64) string {
	switch {
	case now == 0:
	case l.MaxAhead > 0 && now < math.MaxInt64-int64(l.MaxAhead) && t > now+int64(l.MaxAhead):
		return fmt.Sprintf("time %s is too far ahead of the clock: want at most %s, %s after now (MaxAhead)", logTime(t), logTime(now+int64(l.MaxAhead)), l.MaxAhead)
	case l.MaxBehind > 0 && now > math.MinInt64+int64(l.MaxBehind) && t < now-int64(l.MaxBehind):
		return fmt.Sprintf("time %s is too far behind the clock: want at least %s, %s before now (MaxBehind)", logTime(t), logTime(now-int64(l.MaxBehind)), l.MaxBehind)
	}
	return ""
}

func logTime(t int64) string { return time.Unix(0, t).UTC().Format(time.RFC3339Nano) }
