package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Environment variables that the program reads.
const (
	serverVariable    = "TIDEMARK_SERVER"
	tokenVariable     = "TIDEMARK_TOKEN"
	tokenFileVariable = "TIDEMARK_TOKEN_FILE"
	tlsCAVariable     = "TIDEMARK_TLS_CA"
	configVariable    = "TIDEMARK_CONFIG"
)

// settings say how a server is reached. A flag comes before the environment,
// and that before the configuration file.
type settings struct {
	Server    string `json:"server"`
	Token     string `json:"token"`
	TokenFile string `json:"token_file"`
	TLSCA     string `json:"tls_ca"`
}

// configPath is where the configuration file lies: where TIDEMARK_CONFIG says,
// or tidemark/config.json in the user's folder for such files. stated tells
// whether it was said, so that it must exist.
func configPath() (path string, stated bool) {
	if path = os.Getenv(configVariable); path != "" {
		return path, true
	}
	dir, err := os.UserConfigDir()
	if err != nil { // no home, no file
		return "", false
	}
	return filepath.Join(dir, "tidemark", "config.json"), false
}

// readConfig reads the configuration file, if there is one.
func readConfig() (settings, error) {
	var s settings
	path, stated := configPath()
	if path == "" {
		return s, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && !stated {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, &usageError{fmt.Sprintf("configuration %s: %v; want an object of server, token, token_file and tls_ca", path, err)}
	}
	return s, nil
}

// settings puts flags, environment and configuration together and reads the
// token's file. A token that is said nearer to the command line hides one that
// is said farther away, in whichever form.
func (t *target) settings() (settings, error) {
	config, err := readConfig()
	if err != nil {
		return config, err
	}
	s := settings{
		Server: firstOf(t.Server, os.Getenv(serverVariable), config.Server, defaultServer),
		TLSCA:  firstOf(t.TLSCA, os.Getenv(tlsCAVariable), config.TLSCA),
	}
	for _, level := range []settings{
		{TokenFile: t.TokenFile},
		{Token: os.Getenv(tokenVariable), TokenFile: os.Getenv(tokenFileVariable)},
		config,
	} {
		if level.TokenFile != "" {
			s.Token, err = readToken(level.TokenFile)
			return s, err
		}
		if level.Token != "" {
			s.Token = level.Token
			return s, nil
		}
	}
	return s, nil
}
