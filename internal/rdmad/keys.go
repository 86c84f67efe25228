package rdmad

import "github.com/rdmacp/rdmacp/internal/conffile"

// form is what the file may hold.
func form() conffile.Form {
	var plain []string
	for _, key := range keys() {
		if key != keyExport && key != keyClient {
			plain = append(plain, key)
		}
	}
	return conffile.Form{Program: "rdmad", Keys: plain, Tables: []conffile.Table{
		{Kind: keyExport, Form: `an export is a table of its own: [export.NAME], below it path = "/dir"`, Keys: []string{"path", "read_only", "read", "write"}},
		{Kind: keyClient, Form: `what holds for some clients is a table of its own: [client.NAME], below it match = ["gpu*"]`, Keys: []string{"match", "rate", "max_bytes", "owner"}},
	}}
}
