// Package lineprotocol decodes InfluxDB line protocol into batches.
package lineprotocol
