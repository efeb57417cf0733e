package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"tidemark/storage"
)

// interruptible is a context that ends with the first signal.
func interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// shown is interruptible, and shows the progress of what is done under it.
func shown(c *console, what string) (context.Context, context.CancelFunc) {
	ctx, stop := interruptible()
	bar := newProgress(c.err, what, true)
	return storage.WithProgress(ctx, bar.set), func() { bar.end(); stop() }
}

// backupCommand copies a store or a checkpoint.
type backupCommand struct {
	Source string `arg:"" help:"A store's folder that no process has open, or a snapshot: the folder snapshots/NAME of a store." placeholder:"FOLDER"`
	Dest   string `arg:"" help:"The folder to create." placeholder:"BACKUP"`
}

// Help is what --help prints below the summary.
func (backupCommand) Help() string {
	return `Of a running server, take a snapshot first, which costs little time and space, and back that up:
  curl -X POST http://127.0.0.1:8433/api/v1/admin/tsdb/snapshot      (serve --enable-admin-api)
  tidemark backup tidemark-data/snapshots/NAME /backup/monday

A backup has a MANIFEST with the length and checksum of each file. Every byte is compared with it
when the backup is made from a snapshot, and by verify and restore.`
}

// Run makes the backup.
func (b *backupCommand) Run(c *console) error {
	ctx, cancel := shown(c, "backing up")
	defer cancel()
	if storage.IsCheckpoint(nil, b.Source) {
		if err := storage.Restore(ctx, nil, b.Source, b.Dest, true); err != nil {
			return err
		}
	} else {
		db, err := (&target{Data: b.Source}).openFolder(storage.Options{NoCompaction: true}, false)
		if err != nil {
			return err
		}
		if err := errors.Join(db.Checkpoint(ctx, b.Dest), db.Close()); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.out, "%s is backed up as %s\n", b.Source, b.Dest)
	return nil
}

// restoreCommand makes a store of a backup.
type restoreCommand struct {
	Backup string `arg:"" help:"A backup or a snapshot." placeholder:"BACKUP"`
	Data   string `arg:"" help:"The store's folder to create." placeholder:"DIR"`
}

// Run restores.
func (r *restoreCommand) Run(c *console) error {
	ctx, cancel := shown(c, "restoring")
	defer cancel()
	if !storage.IsCheckpoint(nil, r.Backup) {
		return fmt.Errorf("%s is no backup: it has no MANIFEST", r.Backup)
	}
	if err := storage.Restore(ctx, nil, r.Backup, r.Data, false); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s is restored to %s; start it with: tidemark serve --data %s\n", r.Backup, r.Data, r.Data)
	return nil
}

// verifyCommand reads every byte.
type verifyCommand struct {
	Folder string `arg:"" help:"A store's folder that no process has open, a backup or a snapshot." placeholder:"FOLDER"`
	DryRun bool   `help:"Only tell what is damaged in the tables of a store; do not cut it out."`
}

// Help is what --help prints below the summary.
func (verifyCommand) Help() string {
	return `Each file of a backup is compared with its MANIFEST. Of a store, the log is read, every block of
every table, and every value is decoded. What is not as it was written is named, one line each, and
the exit code is 1. What cannot be read of a store is cut out, so that the rest can be, and recorded: the
losses are listed at the end, and queries that touch one answer with a warning.`
}

// Run verifies.
func (v *verifyCommand) Run(c *console) error {
	ctx, cancel := shown(c, "verifying")
	defer cancel()
	problems := 0
	tell := func(err error) {
		problems++
		fmt.Fprintf(c.err, "tidemark: %v\n", err)
	}
	if storage.IsCheckpoint(nil, v.Folder) {
		err := storage.VerifyCheckpoint(ctx, nil, v.Folder, tell)
		switch {
		case problems > 0:
			return &toldError{fmt.Errorf("%d files are damaged", problems)}
		case err != nil:
			return err
		}
		fmt.Fprintf(c.out, "%s is as it was written\n", v.Folder)
		return nil
	}
	db, err := (&target{Data: v.Folder}).openFolder(storage.Options{NoCompaction: true}, false)
	if err != nil {
		return err
	}
	stats, err := db.Verify(ctx, tell)
	if err == nil && problems > 0 && !v.DryRun {
		_, err = db.Repair(ctx)
	}
	losses := db.Losses()
	if cerr := db.Close(); problems == 0 {
		err = errors.Join(err, cerr)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s: %d tables, %d keys, %d chunks of %d samples, %d row groups of %d rows, %d problems\n", v.Folder,
		stats.Tables, stats.Keys, stats.Chunks, stats.Samples, stats.RowGroups, stats.Rows, stats.Problems)
	for i := range losses {
		fmt.Fprintf(c.out, "lost: %s\n", &losses[i])
	}
	if problems > 0 {
		return &toldError{fmt.Errorf("%d problems", problems)}
	}
	return nil
}
