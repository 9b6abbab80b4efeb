// Checks the files that mdmsim is deployed by: Kubernetes' objects and compose files.
//
//	deployments kubernetes < objects.yaml    each by Kubernetes' own types, unknown fields refused
//	deployments compose FILE NAME=VALUE...   by the Compose Specification's own loader
//
// It prints a line for each object or service, and what is wrong to standard error.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
)

func kubernetes(in io.Reader) error {
	codecs := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict)
	content, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	for _, document := range bytes.Split(content, []byte("\n---")) {
		if len(bytes.TrimSpace(bytes.TrimPrefix(document, []byte("---")))) == 0 {
			continue
		}
		object, kind, err := codecs.UniversalDeserializer().Decode(document, nil, nil)
		if err != nil {
			return fmt.Errorf("%w in\n%s", err, document)
		}
		fmt.Printf("%s %s\n", kind.Kind, name(object))
	}
	return nil
}

func name(object runtime.Object) string {
	named, ok := object.(v1.Object)
	if !ok {
		return ""
	}
	return named.GetName()
}

func compose(path string, values []string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	environment := types.NewMapping(values)
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  filepath.Dir(path),
		ConfigFiles: []types.ConfigFile{{Filename: path, Content: content}},
		Environment: environment,
	}, func(options *loader.Options) { options.SetProjectName("checked", true) })
	if err != nil {
		return err
	}
	names := project.ServiceNames()
	slices.Sort(names)
	fmt.Println(strings.Join(names, "\n"))
	return nil
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 1 && arguments[0] == "kubernetes":
		return kubernetes(os.Stdin)
	case len(arguments) > 1 && arguments[0] == "compose":
		return compose(arguments[1], arguments[2:])
	}
	return errors.New("deployments kubernetes | deployments compose FILE NAME=VALUE...")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
