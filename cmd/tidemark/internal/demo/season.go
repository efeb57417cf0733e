package demo

import "math"

const (
	minutesPerDay  = 24 * 60
	minutesPerWeek = 7 * minutesPerDay
)

// minuteOfWeek returns the place in the week of a minute since the Unix epoch,
// which was a Thursday; Monday 00:00 UTC is 0.
func minuteOfWeek(minute int64) int {
	m := (minute + 3*minutesPerDay) % minutesPerWeek
	if m < 0 {
		m += minutesPerWeek
	}
	return int(m)
}

// dayStart returns the first minute of the UTC day of a minute.
func dayStart(minute int64) int64 {
	m := minute % minutesPerDay
	if m < 0 {
		m += minutesPerDay
	}
	return minute - m
}

// season is a factor for each minute of the week.
type season [minutesPerWeek]float64

// trafficSeason returns how busy people are: between about 0.2 at night and 1
// in the afternoon, with a second, lower peak in the evening and a third less
// on weekends. shift is the region's hour of midnight in UTC.
func trafficSeason(shift float64) *season {
	var s season
	for i := range s {
		local := math.Mod(float64(i)/60-shift+7*24, 7*24)
		hour := math.Mod(local, 24)
		day := 0.22 + 0.78*bump(hour, 14, 4.6) + 0.34*bump(hour, 20.5, 1.8)
		s[i] = math.Min(day, 1.04) * (1 - 0.35*weekend(local))
	}
	return &s
}

// bump is a bell around an hour of the day, which is a circle.
func bump(hour, centre, width float64) float64 {
	d := math.Abs(hour - centre)
	d = math.Min(d, 24-d)
	return math.Exp(-d * d / (2 * width * width))
}

// weekend is 1 on Saturday and Sunday, 0 on working days, and changes within
// three hours around midnight. hours counts from Monday 00:00.
func weekend(hours float64) float64 {
	ramp := func(x float64) float64 { return math.Max(0, math.Min(1, x/3+0.5)) }
	return math.Max(ramp(hours-5*24)*ramp(7*24-hours), ramp(-hours))
}
