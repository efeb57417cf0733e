package server

import (
	"maps"
	"slices"
	"sync"

	"tidemark/ingest"
)

// DefaultMaxMetadata is Options.MaxMetadata's default.
const DefaultMaxMetadata = 20_000

// metadata is what sources have told of metrics since the server started: types,
// help and units, by tenant and family. Senders tell it again every minute or with
// each body, so that it needs no place in the store.
type metadata struct {
	most int
	mu   sync.Mutex
	// told has the different things said of each family, the last one first.
	told map[string]map[string][]ingest.Metadata
	n    int
}

// maxTold bounds what is kept of one family: sources that disagree are few.
const maxTold = 4

// describe returns what decoders call for a tenant.
func (m *metadata) describe(tenant string) func(ingest.Metadata) {
	return func(d ingest.Metadata) {
		m.mu.Lock()
		defer m.mu.Unlock()
		families := m.told[tenant]
		list := families[d.Name]
		if len(list) > 0 && list[0] == d {
			return
		}
		if len(list) == 0 {
			if m.n >= m.most {
				return
			}
			m.n++
		}
		if m.told == nil {
			m.told = map[string]map[string][]ingest.Metadata{}
		}
		if families == nil {
			families = map[string][]ingest.Metadata{}
			m.told[tenant] = families
		}
		// A new list: readers have the old one.
		next := append(make([]ingest.Metadata, 0, maxTold), d)
		for _, old := range list {
			if old != d && len(next) < maxTold {
				next = append(next, old)
			}
		}
		families[d.Name] = next
	}
}

// families returns what a tenant may see, or all where it is "", by name.
func (m *metadata) families(tenant string) map[string][]ingest.Metadata {
	m.mu.Lock()
	defer m.mu.Unlock()
	if tenant != "" {
		return maps.Clone(m.told[tenant])
	}
	out := map[string][]ingest.Metadata{}
	for _, t := range slices.Sorted(maps.Keys(m.told)) {
		for name, list := range m.told[t] {
			for _, d := range list {
				if !slices.Contains(out[name], d) {
					out[name] = append(out[name], d)
				}
			}
		}
	}
	return out
}

// handlePromMetadata answers with types, help and units by family.
func (s *Server) handlePromMetadata(c *call) error {
	limit, err := c.params.limit("limit", 0)
	if err != nil {
		return err
	}
	per, err := c.params.limit("limit_per_metric", 0)
	if err != nil {
		return err
	}
	all := s.metadata.families(c.tenant)
	names := slices.Sorted(maps.Keys(all))
	if metric := c.params.get("metric"); metric != "" {
		names = slices.DeleteFunc(names, func(n string) bool { return n != metric })
	}
	if c.params.get("limit") != "" {
		names = names[:min(limit, len(names))]
	}
	s.answer(c, 128*len(names), func(w *jsonWriter) {
		w.raw(`{"status":"success","data":{`)
		for i, name := range names {
			if i > 0 {
				w.raw(",")
			}
			list := all[name]
			if per > 0 {
				list = list[:min(per, len(list))]
			}
			w.text(name)
			w.raw(":[")
			for k, d := range list {
				if k > 0 {
					w.raw(",")
				}
				w.raw(`{"type":`)
				w.text(d.Type)
				w.raw(`,"help":`)
				w.text(d.Help)
				w.raw(`,"unit":`)
				w.text(d.Unit)
				w.raw("}")
			}
			w.raw("]")
			if !w.spill() {
				return
			}
		}
		w.raw("}}\n")
	})
	return nil
}
