package score

// Scores compares a grouping of lines with the truth, by the definitions of the
// log parsing literature.
type Scores struct {
	// GA, grouping accuracy: the share of lines whose group has exactly the lines
	// of a true group (Zhu et al., ICSE-SEIP 2019).
	GA float64
	// FGA: F1 over groups; a group is right if it has exactly the lines of a true
	// group (Jiang et al., ISSTA 2024).
	FGA float64
	// PA, parsing accuracy: the share of lines whose template equals the true one
	// (Dai et al., TSE 2020).
	PA float64
	// FTA: F1 over templates; a predicted template is right if all its lines have
	// exactly that true template (Khan et al., ICSE 2022).
	FTA float64
	// Groups and TrueGroups are the numbers of each.
	Groups, TrueGroups int
}

// Patterns compares predicted groups and templates with true templates, which are
// the true groups as well. Lines with an empty true template do not count.
func Patterns(truth, group, template []string) Scores {
	type set struct {
		lines int
		other string // the partner's key, while there is only one
		mixed bool
	}
	add := func(m map[string]*set, key, other string) {
		s := m[key]
		if s == nil {
			s = &set{other: other}
			m[key] = s
		}
		s.lines++
		s.mixed = s.mixed || s.other != other
	}
	trueSets, groups, templates := map[string]*set{}, map[string]*set{}, map[string]*set{}
	lines, exactLines := 0, 0
	for i, t := range truth {
		if t == "" {
			continue
		}
		lines++
		if t == template[i] {
			exactLines++
		}
		add(trueSets, t, group[i])
		add(groups, group[i], t)
		add(templates, template[i], t)
	}
	if lines == 0 {
		return Scores{}
	}
	right, rightLines := 0, 0
	for _, g := range groups {
		if !g.mixed && trueSets[g.other].lines == g.lines {
			right++
			rightLines += g.lines
		}
	}
	rightTemplates := 0
	for t, s := range templates {
		if !s.mixed && s.other == t {
			rightTemplates++
		}
	}
	f1 := func(right, predicted, actual int) float64 {
		return 2 * float64(right) / float64(predicted+actual)
	}
	return Scores{
		GA:     float64(rightLines) / float64(lines),
		FGA:    f1(right, len(groups), len(trueSets)),
		PA:     float64(exactLines) / float64(lines),
		FTA:    f1(rightTemplates, len(templates), len(trueSets)),
		Groups: len(groups), TrueGroups: len(trueSets),
	}
}
