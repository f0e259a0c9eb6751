package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/GoogleCloudPlatform/k8s-config-connector/mockgcp"
	"github.com/GoogleCloudPlatform/k8s-config-connector/mockgcp/pkg/storage"
)

// The first segment of a path is the service: /pubsub/v1/... is for pubsub.googleapis.com.
func main() {
	cloud, err := mockgcp.NewMockRoundTripper(context.Background(), nil, storage.NewInMemoryStorage())
	if err != nil {
		panic(err)
	}
	go func() {
		if err := cloud.Run(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	handler := func(w http.ResponseWriter, r *http.Request) {
		service, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		body, _ := io.ReadAll(r.Body)
		request := r.Clone(r.Context())
		request.RequestURI = ""
		request.URL.Scheme, request.URL.Host = "https", service+".googleapis.com"
		request.URL.Path, request.URL.RawPath = "/"+rest, ""
		request.Host = request.URL.Host
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		response, err := cloud.RoundTrip(request)
		if err != nil {
			http.Error(w, err.Error(), 599)
			return
		}
		answer, _ := io.ReadAll(response.Body)
		for key, values := range response.Header {
			for _, value := range values {
				w.Header().Add(key, value)
			}
		}
		w.WriteHeader(response.StatusCode)
		w.Write(answer)
	}
	panic(http.Serve(listener, http.HandlerFunc(handler)))
}
