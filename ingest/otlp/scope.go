package otlp

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"tidemark/ingest/protobuf"
	"tidemark/storage/model"
)

// scope is a resource and an instrumentation scope: what the labels of all
// their series have in common. It is immutable.
type scope struct {
	id     uint64        // never that of another scope of the decoder
	labels []model.Label // job, instance, otel_scope_…
	copied []attribute   // of the resource, to be labels of every series
	info   []model.Label // of target_info; nil where there is none
	reason string        // why its points are rejected, or ""
}

// scopes interns scopes by their bytes, as many as maxScopes; then it forgets
// all of them, and series found by their ids age out of the cache.
type scopes struct {
	mu   sync.RWMutex
	last uint64
	all  map[string]*scope // guarded by mu
}

const maxScopes = 4096

// find returns the scope of a resource message, a scope message and a schema
// URL. key is scratch memory. The error is that the messages cannot be read.
func (d *Decoder) scope(resource, scopeMsg, url, key []byte) (*scope, []byte, error) {
	key = binary.AppendUvarint(key[:0], uint64(len(resource)))
	key = append(key, resource...)
	key = binary.AppendUvarint(key, uint64(len(scopeMsg)))
	key = append(key, scopeMsg...)
	key = append(key, url...)
	s := &d.scopes
	s.mu.RLock()
	sc := s.all[string(key)]
	s.mu.RUnlock()
	if sc != nil {
		return sc, key, nil
	}
	sc, err := d.newScope(resource, scopeMsg, url)
	if err != nil {
		return nil, key, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.all[string(key)]; old != nil {
		return old, key, nil
	}
	if len(s.all) >= maxScopes {
		clear(s.all)
	}
	s.last++
	sc.id = s.last
	s.all[string(key)] = sc
	return sc, key, nil
}

func (d *Decoder) newScope(resource, scopeMsg, url []byte) (*scope, error) {
	attrs, err := attributes(resource, 1)
	if err != nil {
		return nil, fmt.Errorf("resource: %w", err)
	}
	sc := &scope{}
	var name, namespace, instance string
	var rest []attribute
	for _, a := range attrs {
		switch a.name {
		case "service.name":
			name = a.value
		case "service.namespace":
			namespace = a.value
		case "service.instance.id":
			instance = a.value
		default:
			rest = append(rest, a)
			if slices.Contains(d.opts.ResourceAttributes, a.name) {
				sc.copied = append(sc.copied, a)
			}
		}
	}
	if name != "" && namespace != "" {
		name = namespace + "/" + name
	}
	add := func(name, value string) {
		if value != "" {
			sc.labels = append(sc.labels, model.Label{Name: name, Value: value})
		}
	}
	add("job", name)
	add("instance", instance)
	info, reason := labelsOf(rest, "", sc.labels)
	if reason != "" {
		sc.reason = "resource: " + reason
		return sc, nil
	}
	if len(info) > 0 && len(sc.labels) > 0 {
		sc.info = slices.Concat(info, sc.labels, []model.Label{{Name: model.MetricName, Value: "target_info"}})
	}
	c := protobuf.NewCursor(scopeMsg)
	for c.Next() {
		switch {
		case c.Num == 1 && c.Want(protobuf.Bytes):
			add("otel_scope_name", string(c.Data))
		case c.Num == 2 && c.Want(protobuf.Bytes):
			add("otel_scope_version", string(c.Data))
		}
	}
	if c.Err() != nil {
		return nil, fmt.Errorf("scope: %w", c.Err())
	}
	add("otel_scope_schema_url", string(url))
	if attrs, err = attributes(scopeMsg, 3); err != nil {
		return nil, fmt.Errorf("scope: %w", err)
	}
	own, reason := labelsOf(attrs, "otel_scope_", sc.labels)
	if reason != "" {
		sc.reason = "scope: " + reason
	}
	sc.labels = append(sc.labels, own...)
	return sc, nil
}

// attributes decodes the KeyValue fields of a number.
func attributes(msg []byte, num uint32) ([]attribute, error) {
	var out []attribute
	c := protobuf.NewCursor(msg)
	for c.Next() {
		if c.Num != num || !c.Want(protobuf.Bytes) {
			continue
		}
		a, err := keyValue(c.Data)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, c.Err()
}
