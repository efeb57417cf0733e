package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"tidemark/storage"
	"tidemark/storage/dump"
	"tidemark/storage/keys"
)

// dumpCommand prints what a folder holds.
type dumpCommand struct {
	Folder string `arg:"" help:"Folder of a store that no process has open."`
	Key    string `help:"Print the entry of this key only (hexadecimal digits)." placeholder:"HEX"`
	Prefix string `help:"Print entries whose keys begin with this only (hexadecimal digits)." placeholder:"HEX"`
	Bytes  bool   `help:"Print values byte by byte."`
	Rows   int    `default:"3" help:"Samples, summaries, rows or ids printed of each value; -1 prints all."`
	Sizes  bool   `help:"Print sums of sizes by kind of key and part of chunk in place of entries."`
	Log    bool   `help:"Print the write-ahead log, too."`
}

func (d *dumpCommand) Run(c *console) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var o storage.Inspection
	if d.Key != "" && d.Prefix != "" {
		return usage("--key and --prefix exclude each other")
	}
	lo, err := hex.DecodeString(d.Key + d.Prefix)
	if err != nil {
		return usage("want hexadecimal digits, got %q", d.Key+d.Prefix)
	}
	if len(lo) > 0 {
		o.Lo, o.Hi = lo, keys.After(lo)
	}
	if d.Key != "" {
		o.Hi = append(append([]byte(nil), lo...), 0)
	}
	w := bufio.NewWriter(c.out)
	p := &dump.Printer{W: w, Bytes: d.Bytes, Rows: d.Rows}
	var sizes dump.Sizes
	entries := 0
	o.Entry = func(key, value []byte) error {
		entries++
		if d.Sizes {
			return sizes.Entry(key, value)
		}
		if d.Bytes {
			fmt.Fprintf(w, "%x\n", key)
		}
		return p.Entry(key, value)
	}
	if d.Log {
		o.Record = p.Record
	}
	err = storage.Inspect(ctx, d.Folder, o)
	if d.Sizes && err == nil {
		err = sizes.Print(w)
	}
	if err = errors.Join(err, w.Flush()); err != nil {
		return err
	}
	if d.Key != "" && entries == 0 {
		return fmt.Errorf("%s has no key %s", d.Folder, d.Key)
	}
	return nil
}
