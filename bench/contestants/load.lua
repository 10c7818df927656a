-- Messages over and over: one, or one for each of so many routes in turn, or each with an id; at the end one line of JSON.
wrk.method = "$method"
wrk.headers["Content-Type"] = "application/xml"
if $size > 0 then
    wrk.body = string.rep("<order/>", $size / 8)
end

if $routes > 0 then
    local messages, turn = {}, 0

    function init()
        for number = 0, $routes - 1 do
            messages[number] = wrk.format(nil, "$path" .. number)
        end
    end

    function request()
        local message = messages[turn]
        turn = (turn + 1) % $routes
        return message
    end
end

if $ids then
    local number = 0

    function request()
        number = number + 1
        wrk.headers["X-Request-ID"] = tostring(number)
        return wrk.format(nil, "${path}0")
    end
end

function done(summary, latency)
    local failed = summary.errors
    local errors = failed.connect + failed.read + failed.write + failed.status + failed.timeout
    local line = 'JSON {"messages": %d, "seconds": %f, "errors": %d, "p50": %f, "p99": %f}'
    local p50, p99 = latency:percentile(50) / 1e3, latency:percentile(99) / 1e3
    print(line:format(summary.requests, summary.duration / 1e6, errors, p50, p99))
end
