module mdmsim.invalid/micromdm

go 1.24

require github.com/micromdm/micromdm v1.13.1

require (
	github.com/RobotsAndPencils/buford v0.14.0 // indirect
	github.com/boltdb/bolt v1.3.1 // indirect
	github.com/felixge/httpsnoop v1.0.3 // indirect
	github.com/garyburd/go-oauth v0.0.0-20180319155456-bca2e7f09a17 // indirect
	github.com/go-kit/kit v0.13.0 // indirect
	github.com/go-kit/log v0.2.0 // indirect
	github.com/go-logfmt/logfmt v0.5.1 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/gorilla/handlers v1.5.2 // indirect
	github.com/gorilla/mux v1.8.1 // indirect
	github.com/groob/finalizer v0.0.0-20170707115354-4c2ed49aabda // indirect
	github.com/jessepeterson/cfgprofiles v0.4.1 // indirect
	github.com/micromdm/go4 v0.0.0-20240215190618-908f27575419 // indirect
	github.com/micromdm/plist v0.2.1 // indirect
	github.com/micromdm/scep/v2 v2.3.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/smallstep/pkcs7 v0.2.1 // indirect
	github.com/smallstep/scep v0.0.0-20241223071629-a37a330173bc // indirect
	golang.org/x/crypto v0.33.0 // indirect
	golang.org/x/net v0.34.0 // indirect
	golang.org/x/text v0.22.0 // indirect
	google.golang.org/protobuf v1.33.0 // indirect
)

tool github.com/micromdm/micromdm/cmd/micromdm
