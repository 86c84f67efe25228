package check

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

const (
	chart     = "../rdmad"
	manifests = "../rdmad.yaml"
)

var update = flag.Bool("update", false, "write "+manifests)

// everything is a value for each that the chart takes.
const everything = `
image: somewhere/rdmad:1
imagePullPolicy: Always
exports:
  - {name: data, path: /srv/data, read: ["gpu*"], write: [alice, "spiffe://cluster/trainer/*"]}
  - {name: models.v2, path: "/srv/it's \"models\"", readOnly: true}
tlsSecret: ""
config: {listen: ["0.0.0.0:7471", "[::1]:7472"], insecure: true, transport: rdma, slots: 8, metrics: "0.0.0.0:9471"}
env:
  - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://collector:4318"}
  - {name: OTEL_RESOURCE_ATTRIBUTES_NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
doctor: false
user: {uid: 1000, gid: 100}
capabilities: [DAC_OVERRIDE, CHOWN]
resources: {limits: {rdma/hca_shared_devices_a: null, rdma/roce: 1, memory: 2Gi}}
terminationGracePeriodSeconds: 90
podAnnotations: {prometheus.io/scrape: "true"}
nodeSelector: {rdma: "yes"}
tolerations: [{operator: Exists}]
`

// render is what the chart makes of values; of "" what it makes of its own.
func render(t *testing.T, values string) (string, error) {
	t.Helper()
	c, err := loader.LoadDir(chart)
	if err != nil {
		t.Fatal(err)
	}
	given, err := chartutil.ReadValues([]byte(values))
	if err != nil {
		t.Fatal(err)
	}
	all, err := chartutil.ToRenderValues(c, given, chartutil.ReleaseOptions{Name: "rdmad", Namespace: "default", IsInstall: true}, nil)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(c, all)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if filepath.Ext(name) == ".yaml" {
			fmt.Fprintf(&b, "---\n%s", files[name])
		}
	}
	return b.String(), nil
}

// objects are what manifests are about.
type objects struct {
	daemons appsv1.DaemonSet
	config  corev1.ConfigMap
}

// parse takes manifests to the letter: a field that the API has not, by that case, is an error.
func parse(text string) (o objects, err error) {
	for doc := range strings.SplitSeq(text, "---\n") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		var kind struct{ Kind string }
		if err := yaml.Unmarshal([]byte(doc), &kind); err != nil {
			return o, err
		}
		into, known := map[string]any{"DaemonSet": &o.daemons, "ConfigMap": &o.config}[kind.Kind]
		if !known {
			continue
		}
		j, err := yaml.YAMLToJSONStrict([]byte(doc))
		if err != nil {
			return o, err
		}
		wrong, err := json.UnmarshalStrict(j, into)
		if err == nil && len(wrong) > 0 {
			err = wrong[0]
		}
		if err != nil {
			return o, fmt.Errorf("%s: %w", kind.Kind, err)
		}
	}
	if o.daemons.Name == "" || o.config.Name == "" {
		err = fmt.Errorf("there are no two objects in %q", text)
	}
	return o, err
}

func TestLint(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]string{"its own values": "", "others": everything} {
		given, err := chartutil.ReadValues([]byte(values))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range lint.All(chart, given, "default", true).Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

// The manifests for those who have no Helm are what the chart makes of its own values.
func TestManifests(t *testing.T) {
	t.Parallel()
	text, err := render(t, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []byte("# Made of the chart beside it: go -C dist/kubernetes/check test -update\n" + text)
	if *update {
		if err := os.WriteFile(manifests, want, 0o644); err != nil { //nolint:gosec // as git has it
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(manifests)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the chart makes: go -C dist/kubernetes/check test -update", manifests)
	}
}

func TestObjects(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]string{"its own values": "", "others": everything} {
		text, err := render(t, values)
		if err != nil {
			t.Fatal(err)
		}
		o, err := parse(text)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", name, err, text)
		}
		pod := o.daemons.Spec.Template
		if !reflect.DeepEqual(o.daemons.Spec.Selector.MatchLabels, pod.Labels) {
			t.Errorf("%s: the pods have the labels %v", name, pod.Labels)
		}
		have := map[string]bool{}
		for _, v := range pod.Spec.Volumes {
			have[v.Name] = true
			if m := v.ConfigMap; m != nil && m.Name != o.config.Name {
				t.Errorf("%s: there is no ConfigMap %s", name, m.Name)
			}
		}
		for _, m := range pod.Spec.Containers[0].VolumeMounts {
			if !have[m.Name] {
				t.Errorf("%s: there is no volume %s", name, m.Name)
			}
			delete(have, m.Name)
		}
		if len(have) > 0 {
			t.Errorf("%s: nobody has mounted %v", name, have)
		}
	}
}

// What a pod may do by default is no more than RDMA needs.
func TestRights(t *testing.T) {
	t.Parallel()
	for values, want := range map[string][]corev1.Capability{"": {"IPC_LOCK"}, everything: {"IPC_LOCK", "DAC_OVERRIDE", "CHOWN"}} {
		text, err := render(t, values)
		if err != nil {
			t.Fatal(err)
		}
		o, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		pod := o.daemons.Spec.Template.Spec
		for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
			s := c.SecurityContext
			if !slices.Equal(s.Capabilities.Add, want) || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
				t.Errorf("%s: capabilities are %+v, not ALL for %v", c.Name, s.Capabilities, want)
			}
			if s.Privileged != nil || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem {
				t.Errorf("%s: may do %+v", c.Name, s)
			}
			resource := corev1.ResourceName("rdma/hca_shared_devices_a")
			if values != "" {
				resource = "rdma/roce"
			}
			if n := c.Resources.Limits[resource]; n.Value() != 1 {
				t.Errorf("%s: asks for %v", c.Name, c.Resources.Limits)
			}
		}
	}
}

// Variables get to rdmad as they are, and there are none by default.
func TestEnv(t *testing.T) {
	t.Parallel()
	for values, want := range map[string][]corev1.EnvVar{"": nil, everything: {
		{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Value: "http://collector:4318"},
		{Name: "OTEL_RESOURCE_ATTRIBUTES_NODE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}}},
	}} {
		text, err := render(t, values)
		if err != nil {
			t.Fatal(err)
		}
		o, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.daemons.Spec.Template.Spec.Containers[0].Env; !reflect.DeepEqual(got, want) {
			t.Errorf("rdmad has the variables %+v, not %+v", got, want)
		}
	}
}

// What the tests above take for wrong, so that what they take for good means something.
func TestRefused(t *testing.T) {
	t.Parallel()
	good, err := render(t, "")
	if err != nil {
		t.Fatal(err)
	}
	for was, is := range map[string]string{
		"hostNetwork: true": "hostnetwork: true", "runAsUser: 0": "runAsUser: root", "timeoutSeconds: 5": "timeout: 5",
		"type: Directory}": "type: Directory, path: /}", "kind: ConfigMap": "kind: Config",
	} {
		bad := strings.Replace(good, was, is, 1)
		if _, err := parse(bad); bad == good || err == nil {
			t.Errorf("%q in place of %q is taken for good", is, was)
		}
	}
	for _, values := range []string{
		"export: []", "exports: [{name: data}]", "exports: [{name: data, path: srv}]", "config: {tls-key: /x}", "config: {listen: {a: b}}",
		"user: {uid: root, gid: 0}", "capabilities: [SYS_ADMIN]", "env: {A: b}", "env: [{value: b}]", "env: [{name: A, value: 3}]", "env: [{name: a b, value: c}]", "env: [{name: RDMAD_SLOTS, value: '3'}]",
	} {
		if _, err := render(t, values); err == nil {
			t.Errorf("the values %s are taken for good", values)
		}
	}
}
