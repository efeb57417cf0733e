package demo

// timetable says when the estate's incidents happen, in minutes since the
// Unix epoch. The package comment describes it.
type timetable struct {
	start, origin        int64 // the history's first minute, and the one after its last
	outageFrom, outageTo int64 // db-eu-1 stalls
	deployAt             int64 // checkout v2.14.0
	diskFullAt           int64 // /data of db-ap-1 would be full
	leakAnchor           int64 // one restart of recommendations
	deploys              []deploy
}

// deploy is one deployment.
type deploy struct {
	at                         int64
	service, version, previous string
}

// Figures of the timetable that tests and documentation name.
const (
	outageDaysBack   = 5
	outageMinutes    = 45
	deployDaysBack   = 3
	deploySlowdown   = 1.7
	diskFullDays     = 12
	diskPerDay       = 1.05 // percent of /data of db-ap-1
	diskCleanPercent = 97
	leakPeriod       = 5 * minutesPerDay
	leakAnchorBack   = 26 * minutesPerDay / 10
	leakBase         = 420 << 20
	leakGrowth       = 1650 << 20
)

func newTimetable(origin int64, length int64) *timetable {
	today := dayStart(origin)
	at := func(daysBack, hour, minute int64) int64 {
		return today - daysBack*minutesPerDay + hour*60 + minute
	}
	t := &timetable{
		start:      origin - length,
		origin:     origin,
		outageFrom: at(outageDaysBack, 10, 12),
		deployAt:   at(deployDaysBack, 14, 5),
		diskFullAt: origin + diskFullDays*minutesPerDay,
		leakAnchor: origin - leakAnchorBack,
	}
	t.outageTo = t.outageFrom + outageMinutes
	t.deploys = []deploy{
		{at(13, 9, 31), "search", "v3.2.0", "v3.1.7"},
		{at(11, 13, 2), "auth", "v1.19.2", "v1.19.1"},
		{at(8, 10, 48), "catalog", "v5.0.3", "v5.0.2"},
		{at(6, 15, 20), "storefront", "v8.41.0", "v8.40.2"},
		{t.deployAt, "checkout", "v2.14.0", "v2.13.4"},
		{at(1, 8, 55), "payments", "v4.7.1", "v4.7.0"},
	}
	return t
}

// outage returns how bad the outage is at a minute, from 0 to 1: it comes
// within three minutes and goes within five.
func (t *timetable) outage(minute int64) float64 {
	if minute < t.outageFrom || minute >= t.outageTo {
		return 0
	}
	in := float64(minute-t.outageFrom+1) / 3
	out := float64(t.outageTo-minute) / 5
	return min(in, out, 1)
}

// slowdown returns the factor on the latency of checkout; the deployment rolls
// over its instances within six minutes.
func (t *timetable) slowdown(minute int64) float64 {
	if minute < t.deployAt {
		return 1
	}
	return 1 + (deploySlowdown-1)*min(1, float64(minute-t.deployAt+1)/6)
}

// leak returns how far the leak of recommendations has come, from 0 after a
// restart to 1 before the next.
func (t *timetable) leak(minute int64) float64 {
	return float64(t.leakPhase(minute)) / leakPeriod
}

// leakPhase returns the minutes since the last restart of recommendations.
func (t *timetable) leakPhase(minute int64) int64 {
	p := (minute - t.leakAnchor) % leakPeriod
	if p < 0 {
		p += leakPeriod
	}
	return p
}

// growth is the factor of the slow growth of traffic: one percent a week.
func (t *timetable) growth(minute int64) float64 {
	return 1 + 0.01*float64(minute-t.origin)/minutesPerWeek
}
