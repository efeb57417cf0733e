// Package explorer is the web page that the server shows at /: queries on one
// time axis, logs, capacity, and what is in the store. It holds the page's
// built files and says how browsers may keep them; it serves nothing itself
// and asks nothing: the page is a client of the HTTP API like any other.
//
// The sources are in web (TypeScript, built by Vite from npm's packages into
// dist, with a lock file); dist is committed, so that building the server
// needs no Node. After a change: cd server/explorer/web, npm ci, npm run build.
package explorer

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

//go:embed all:dist
var dist embed.FS

// File is one file of the page.
type File struct {
	ContentType string
	Body        []byte
	// Gzip is the body compressed, or nil where that is not smaller.
	Gzip []byte
	// Immutable says that the name has a hash of the content: whoever has
	// the file never needs to ask again.
	Immutable bool
}

// files is read and compressed once, at the first request.
var files = sync.OnceValue(func() map[string]*File {
	out := map[string]*File{}
	err := fs.WalkDir(dist, "dist", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := dist.ReadFile(name)
		if err != nil {
			return err
		}
		f := &File{ContentType: contentType(name), Body: body, Immutable: strings.HasPrefix(name, "dist/assets/")}
		if z := compress(body); len(z) < len(body) {
			f.Gzip = z
		}
		out[strings.TrimPrefix(name, "dist/")] = f
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("explorer: the embedded files cannot be read: %v", err))
	}
	return out
})

// Lookup returns a file by its path within the page, "index.html" for the page
// itself; nil where there is none. The file must not be changed.
func Lookup(name string) *File { return files()[name] }

func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".md":
		return "text/plain; charset=utf-8"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant of the library
	}
	z.Write(body) // a buffer takes any write
	z.Close()
	return b.Bytes()
}
