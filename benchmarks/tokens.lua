-- Sends the tokens of a file, one after the other.
function init(args)
  tokens = {}
  for line in io.lines(args[1]) do
    tokens[#tokens + 1] = line
  end
  at = 0
end

function request()
  at = at % #tokens + 1
  return wrk.format("GET", nil, { ["Authorization"] = tokens[at] })
end
