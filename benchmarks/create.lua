-- Creates broadcasts.
wrk.method = "POST"
wrk.body = '{"name":"benchmark","description":"one of many"}'
wrk.headers["Content-Type"] = "application/json"
