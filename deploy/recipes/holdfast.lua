-- Asks Holdfast about each request to {{name}}, by HAProxy's own HTTP client.

local CHECK = '{{holdfast}}/forward-auth/forwarded/{{slug}}'
-- What the application is told, and which header of the answer says it.
local IDENTITY = {
    HoldfastUser = 'holdfastuser', HoldfastEmail = 'holdfastemail', HoldfastGroups = 'holdfastgroups',
    HoldfastName = 'holdfastname', HoldfastAssertion = 'holdfastassertion',
{{?remoteUser}}    ['Remote-User'] = 'holdfastemail', ['Remote-Email'] = 'holdfastemail',
{{?remoteUser}}    ['Remote-Groups'] = 'holdfastgroups', ['Remote-Name'] = 'holdfastname',
}
-- Of the connection, or of a body that is not sent along.
local LEFT_OUT = {
    ['connection'] = true, ['keep-alive'] = true, ['upgrade'] = true, ['te'] = true, ['trailer'] = true, ['expect'] = true,
    ['transfer-encoding'] = true, ['content-length'] = true, ['proxy-connection'] = true, ['accept-encoding'] = true,
    ['x-forwarded-method'] = true, ['x-forwarded-uri'] = true, ['x-forwarded-for'] = true,
}

local function first(values)
    return values and values[0] or ''
end

-- What the visitor sent, and what they did, which they can't say themselves.
local function asking(txn)
    local headers = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not LEFT_OUT[name] then
            headers[name] = {}
            for _, value in pairs(values) do table.insert(headers[name], value) end
        end
    end
    headers['x-forwarded-method'] = { txn.sf:method() }
    headers['x-forwarded-uri'] = { txn.sf:pathq() }
    headers['x-forwarded-for'] = { txn.sf:src() }
    return headers
end

local function refuse(txn, answer)
    local reply = txn:reply({ status = answer.status, reason = answer.reason })
    for name, values in pairs(answer.headers) do
        if not LEFT_OUT[name] then
            for _, value in pairs(values) do reply:add_header(name, value) end
        end
    end
    reply:set_body(answer.body or '')
    txn:done(reply)
end

local AWAY = {
    status = 503, reason = 'Service Unavailable',
    body = "The log-in service can't be reached right now. Nobody is logged out by this: try again shortly.",
    headers = {
        ['retry-after'] = { [0] = '5' }, ['cache-control'] = { [0] = 'no-store' }, ['content-type'] = { [0] = 'text/plain' },
    },
}

core.register_action('holdfast_{{id}}', { 'http-req' }, function(txn)
    local answer
    for _ = 1, 3 do -- a process that restarts is not the only one
        answer = core.httpclient():get({ url = CHECK, headers = asking(txn), timeout = 5000 })
        if answer and answer.status ~= 0 then break end
        core.msleep(200)
    end
    if not answer or answer.status == 0 or answer.status >= 500 then return refuse(txn, AWAY) end
    if answer.status ~= 200 then return refuse(txn, answer) end
    for name, told in pairs(IDENTITY) do
        txn.http:req_set_header(name, first(answer.headers[told]))
    end
end)
